/** Stories of the whole product that are shown on PostgreSQL 18 in `long` and once more on 15: by hand with `npm run test:long-15`. */
export const storiesOnBoth: readonly string[] = [
  ...['carries-odd-names', 'drills', 'drills-in-place', 'keeps-what-is-left-out', 'logical-sets', 'network-lost'],
  ...['plans', 'recovers-databases', 'recovers-one-database', 'restores-logical-sets', 'runs-a-job', 'settles-swaps'],
  'survives-network-cuts',
];

/** Stories that are shown on a shimmed KingbaseES: by hand with `npm run test:long-kingbase`. */
export const storiesOnKingbase: readonly string[] = [
  ...['drills', 'drills-in-place', 'kingbase-operations', 'network-lost', 'plans', 'runs-a-job'],
  'survives-network-cuts',
];
