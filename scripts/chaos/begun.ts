import { setTimeout as pause } from 'node:timers/promises';
import { bug } from '#core/errors/fail.ts';
import type { PoolName } from './plan.ts';
import { poolNames } from './plan.ts';
import type { SetInCatalog } from './sets.ts';
import type { Moment } from './traffic.ts';
import type { World } from './world.ts';
import { resource } from './names.ts';

/** A run as the API answered it. */
export interface Begun {
  readonly id: string;
  readonly setId: string | null;
}

/** What a run that was started is judged by, besides its state. */
export interface Started {
  readonly run: Begun;
  /** Looks at what it made and removes it; answers what is wrong. Only after it succeeded. */
  readonly prove?: (result: Readonly<Record<string, unknown>>) => Promise<readonly string[]>;
}

/** A database that a run replaced, undisturbed, and that somebody settles now. */
export interface Swapped {
  readonly run: string;
  /** By which what was replaced is told from what came. */
  readonly mark: string;
}

/** What the runs of an episode build on, looked up while everything runs. */
export interface Ground {
  /** Physical sets of the source, newest first. */
  readonly sets: readonly SetInCatalog[];
  /** Those of the instance that is restored in its place. */
  readonly placeSets: readonly SetInCatalog[];
  readonly logicalSets: readonly SetInCatalog[];
  /** A moment whose log is in the pool of a recovery. */
  readonly moment: Moment | undefined;
  readonly swapped: Swapped | undefined;
  /** A number that no other run has: in names of directories and databases. */
  readonly number: () => number;
  /** Nothing is to be interrupted: no limits. */
  readonly isHurried: boolean;
}

export type Start = (world: World, pool: PoolName, ground: Ground) => Promise<Started>;

export const channels = 2;
/** Limits that make a run last some seconds, so that there is something to interrupt. */
export const paces = { data: 8_388_608, small: 524_288, log: 1_048_576 } as const;
/** 0: no limit. */
export const paceIn = ({ isHurried }: Ground, pace: number): number => (isHurried ? 0 : pace);
export const transfer = (transferBytesPerSecond: number) => ({ transferBytesPerSecond });

/** What a physical backup of the source is asked for with; a rate of 0 is no limit. */
export const base = (world: World, pool: PoolName, rate: number, archive: 'keep' | 'delete') => ({
  ...{ resource, pool, whenBusy: 'wait' },
  options: {
    ...{ limits: transfer(rate), archiveDirectory: world.source.archiveDirectory },
    ...{ archiveRetention: { mode: archive }, channels },
  },
});

/** Newest set that fits. */
export const pick = (
  sets: readonly SetInCatalog[],
  pool: PoolName,
  fits: (set: SetInCatalog) => boolean = () => true,
): string => {
  const found = sets.find((set) => set.pool === pool && fits(set));
  if (found === undefined) throw bug(`pool ${pool} has a set to work with`);
  return found.id;
};

/** Newest logical set of a pool; of the other one when it has none. */
export const pickLogical = ({ logicalSets }: Ground, pool: PoolName): string =>
  pick(logicalSets, logicalSets.some((one) => one.pool === pool) ? pool : other(pool));

export const other = (pool: PoolName): PoolName => poolNames.find((name) => name !== pool) ?? pool;

export const run = async (world: World, path: string, body: unknown): Promise<Started> => ({
  run: await world.api.post<Begun>(path, body),
});

const endWithinMs = 180_000;
const lookEveryMs = 200;

interface Live {
  readonly run: { readonly state: string; readonly outcome: unknown };
}

/** Waits for the end of a run that nobody disturbs; it must succeed. */
export async function demandEnd({ api }: World, id: string, kind: string): Promise<void> {
  const end = performance.now() + endWithinMs;
  for (;;) {
    const { run: now } = await api.get<Live>(`/runs/${id}`);
    if (now.state === 'succeeded' || now.state === 'warned') return;
    if (['failed', 'cancelled', 'skipped'].includes(now.state) || performance.now() > end)
      throw bug(`an undisturbed ${kind} succeeds: ${JSON.stringify(now)}`);
    await pause(lookEveryMs);
  }
}

/** Starts something undisturbed and waits for its end. */
export async function runToEnd(world: World, path: string, body: unknown): Promise<Begun> {
  const { run: begun } = await run(world, path, body);
  await demandEnd(world, begun.id, path);
  return begun;
}
