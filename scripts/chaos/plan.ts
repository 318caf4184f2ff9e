import type { Chance } from './chance.ts';
import { openChance } from './chance.ts';

/** Every kind of run that the load is made of. */
export const kinds = [
  'full-backup',
  'incremental-backup',
  'log-backup',
  'log-stream',
  'pool-copy',
  'verify-set',
  'retention',
  'scrub',
  'merge-set',
  'restore',
  'recovery-copy',
  'logical-backup',
  'logical-restore',
  'database-recovery',
  'log-restore',
  'drill',
  'restore-in-place',
  'drill-in-place',
  'restore-elsewhere',
  'drill-elsewhere',
  'log-restore-elsewhere',
  'logical-swap',
  'database-swap',
  'settle-swap',
  'extract-set',
  'verify-logical',
  'logical-removal',
  'rebuild',
  'collect',
] as const;
export type Kind = (typeof kinds)[number];

/** Parts that are killed; the source lives on. `minio` is the pool `far`, `second-agent` that of the other host. */
export const victims = ['agent', 'second-agent', 'worker', 'api', 'temporal', 'catalog', 'minio'] as const;
export type Victim = (typeof victims)[number];

/** `near` is a directory of the agent's host, `far` a bucket behind a port that counts. */
export const poolNames = ['near', 'far'] as const;
export type PoolName = (typeof poolNames)[number];

export interface PlannedRun {
  readonly kind: Kind;
  readonly pool: PoolName;
}

export interface PlannedKill {
  readonly victim: Victim;
  /** When, as a share (0 to below 1) of the time that the runs of the episode were measured to take undisturbed. */
  readonly share: number;
  /** How long until a supervisor starts it again. */
  readonly outageMs: number;
}

/** Runs that are started together, and what is killed meanwhile. */
export interface Episode {
  readonly number: number;
  readonly runs: readonly PlannedRun[];
  readonly kills: readonly PlannedKill[];
}

const runsPerEpisode = 3;
/** More, for nothing is killed: what is measured is how long a kind takes beside others. */
const runsPerCalmEpisode = 6;
const fewestKills = 4;
const mostKills = 7;
const shortestOutageMs = 200;
const longestOutageMs = 4000;

/** Kinds that want the logical lane of the source. */
export const logicalKinds: readonly Kind[] = [
  ...(['logical-backup', 'logical-restore', 'database-recovery'] as const),
  ...(['logical-swap', 'database-swap', 'settle-swap'] as const),
];

/** Kinds of one group want the same lane, or wait for what lasts until it is cancelled: one of them in an episode. */
const groups: readonly (readonly Kind[])[] = [
  logicalKinds,
  ['log-backup', 'log-stream'],
  // The reports of a resource are a chain: one drill of it after the other, wherever.
  ['drill', 'drill-elsewhere'],
];

/** Kinds that the second host does: it reaches the bucket alone. */
export const kindsElsewhere: readonly Kind[] = ['restore-elsewhere', 'drill-elsewhere', 'log-restore-elsewhere'];

const clash = (one: Kind, other: Kind): boolean =>
  one === other || groups.some((group) => group.includes(one) && group.includes(other));

/** Fisher and Yates. */
function shuffled<T>(things: readonly T[], chance: Chance): T[] {
  const deck = [...things];
  for (let at = deck.length - 1; at > 0; at--) {
    const other = Math.floor(chance.below(at + 1));
    const [one, two] = [deck[at], deck[other]];
    if (one !== undefined && two !== undefined) [deck[at], deck[other]] = [two, one];
  }
  return deck;
}

/** Deals from a shuffled deck again and again, so that everything comes up as often as everything else. */
class Dealer<T> {
  private deck: T[] = [];
  private readonly things: readonly T[];
  private readonly chance: Chance;

  constructor(things: readonly T[], chance: Chance) {
    this.things = things;
    this.chance = chance;
  }

  /** The next one that fits; what does not is dealt later. */
  next(fits: (thing: T) => boolean = () => true): T {
    for (;;) {
      const at = this.deck.findIndex(fits);
      if (at >= 0) return this.deck.splice(at, 1)[0] as T;
      this.deck.push(...shuffled(this.things, this.chance));
    }
  }
}

/**
 * The episodes of a seed, without end: the same seed gives the same runs on the same pools, and the same kills at the same
 * shares of their time. Kinds and victims are dealt evenly, instants are uniform.
 */
export function* episodesOf(seed: number): Generator<Episode, never> {
  const chance = openChance(seed);
  const [kindDealer, victimDealer] = [new Dealer(kinds, chance), new Dealer(victims, chance)];
  for (let number = 1; ; number++) {
    const count = fewestKills + Math.floor(chance.below(mostKills - fewestKills + 1));
    const kills = Array.from({ length: count }, () => drawKill(victimDealer, chance)).sort((a, b) => a.share - b.share);
    // Why: the kill of a pool that no run uses hits nothing.
    const isPoolKilled = kills.some(({ victim }) => victim === 'minio');
    const runs: PlannedRun[] = [];
    while (runs.length < runsPerEpisode) {
      const kind = kindDealer.next((one) => runs.every((run) => !clash(run.kind, one)));
      const drawn = chance.oneOf(poolNames);
      runs.push({ kind, pool: isPoolKilled || kindsElsewhere.includes(kind) ? 'far' : drawn });
    }
    yield { number, runs, kills };
  }
}

const drawKill = (dealer: Dealer<Victim>, chance: Chance): PlannedKill => ({
  victim: dealer.next(),
  share: chance.below(1),
  outageMs: Math.round(shortestOutageMs + chance.below(longestOutageMs - shortestOutageMs)),
});

/** Every kind once, in episodes without kills: what a run takes undisturbed is measured in them. */
export function undisturbed(seed: number): readonly Episode[] {
  const open = shuffled(kinds, openChance(seed));
  const episodes: Episode[] = [];
  while (open.length > 0) {
    const runs: PlannedRun[] = [];
    for (const kind of [...open]) {
      if (runs.length === runsPerCalmEpisode || runs.some((run) => clash(run.kind, kind))) continue;
      const pool = kindsElsewhere.includes(kind) ? 'far' : poolNames[runs.length % poolNames.length];
      runs.push({ kind, pool: pool ?? 'near' });
      open.splice(open.indexOf(kind), 1);
    }
    episodes.push({ number: 0, runs, kills: [] });
  }
  return episodes;
}
