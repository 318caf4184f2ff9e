import { defineConfig } from 'vitest/config';

const layers = ['wire', 'workflows', 'activities', 'agent', 'catalog', 'workers', 'api', 'bench', 'scripts'];
const unit = [
  ...layers.map((layer) => `${layer}/**/*.test.ts`),
  'tests/{support,boundaries}/**/*.test.ts',
  'docs/**/*.test.ts',
];
const minute = 60_000;
/** Minutes of kills, outages and damage on whole stacks: `npm run test:chaos`, not part of `npm test`. */
const chaos = ['survives-*', 'resumes-*', 'refuses-pools*', 'detects-*'].map(
  (name) => `tests/promises/${name}.test.ts`,
);

/** Whole stories that would make `npm test` longer than ten minutes: `npm run test:long`, which CI runs beside it. */
const long = [
  'carries-odd-names',
  'copies-pools',
  'deploys',
  'dies-anywhere',
  'drills',
  'drills-in-place',
  'gives-places-back',
  'guides',
  'incrementals',
  'keeps-what-is-left-out',
  'keeps-what-is-needed',
  'kingbase-operations',
  'logical-sets',
  'mends-lanes',
  'network-lost',
  'plans',
  'refuses-targets',
  'recovers-databases',
  'recovers-one-database',
  'restores-logical-sets',
  'restores-standbys',
  'restores-what-differs',
  'runs-scripts',
  'scrubs',
  'settles-swaps',
  'streams-log',
  'verifies-after',
  'tells-outcomes',
  'tells-traces',
].map((name) => `tests/promises/${name}.test.ts`);
const longEngines = [
  ...['all-visible', 'begin-behind-base', 'changed-pages-traps', 'channels', 'drill'],
  ...['drill-target', 'incremental-chains'],
  ...[
    'log-stream-archive',
    'log-stream-failover',
    'log-stream-left',
    'logical-to-cluster',
    'restore-log-again',
    'standby-ends',
    'views-in-place',
    'without-log',
  ],
].map((name) => `tests/engines/${name}.test.ts`);

/** Stories of the whole product that depend on the version of the server: on 18 in `long`, once more on 15. */
const both = [
  ...['carries-odd-names', 'drills', 'keeps-what-is-left-out', 'logical-sets', 'recovers-databases'],
  ...['recovers-one-database', 'restores-logical-sets', 'settles-swaps'],
].map((name) => `tests/promises/${name}.test.ts`);

/** Project of tests: name, files, how many at once, its turn. Projects of one turn run together. */
const project = (
  name: string,
  include: readonly string[],
  { workers = 2, order = 1, except = [] as string[], minutes = 2, env = {}, isolate = true } = {},
) => ({
  extends: true as const,
  test: {
    ...{
      name,
      include: [...include],
      exclude: except,
      testTimeout: minutes * minute,
      hookTimeout: 3 * minute,
      retry: 0,
      env,
      isolate,
    },
    maxWorkers: workers,
    sequence: { groupOrder: order },
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['tests/support/global-setup.ts'],
    teardownTimeout: minute,
    reporters: ['default', './tests/support/plain-reporter.ts'],
    projects: [
      // Why not isolated: pure modules keep nothing, and loading them anew for each file took more time than the tests.
      project('core', ['core/**/*.test.ts'], { isolate: false }),
      project('unit', unit),
      project('contracts', ['tests/{contracts,repositories,engines,histories}/**/*.test.ts'], { except: longEngines }),
      project('promises', ['tests/promises/**/*.test.ts'], { order: 2, except: [...chaos, ...long] }),
      project('long', [...long, ...longEngines], { order: 3, minutes: 4 }),
      project('long-15', both, { order: 3, minutes: 4, env: { HOLDFAST_TEST_PG: '15' } }),
      // Longer than a run may take, so that a run which is not over is told of as such.
      project('chaos', chaos, { workers: 1, order: 3, minutes: 4 }),
      // Minutes each: by hand with `npm run test:deep`, never part of `npm test`.
      project('deep', ['tests/deep/**/*.test.ts'], { workers: 1, order: 4 }),
      // Every engine on every kind of pool: by hand with `npm run test:matrix`, which writes docs/evidence/matrix.json.
      project('matrix', ['tests/matrix/**/*.test.ts'], { order: 5 }),
    ],
  },
});
