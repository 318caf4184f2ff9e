import { byId, chainOf } from '../backup/chain.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import type { UnusableSets } from '../backup/usable-sets.ts';
import { sortUsable } from '../backup/usable-sets.ts';
import { fail } from '../errors/fail.ts';
import type { RunId, SetId } from '../id.ts';
import type { LeftOut, PoolCopyTask } from './pool-copy.ts';

/** What a copy is decided from, as the catalog knows it. */
export interface CopyWorld {
  /** Names of the pools, for words. */
  readonly from: string;
  readonly to: string;
  /** Sets of the source. */
  readonly sets: readonly SetSummary[];
  /** Of the source: damaged or quarantined. */
  readonly unusable: UnusableSets;
  /** Sets of the target. */
  readonly there: ReadonlySet<SetId>;
  /** Sets that a plan deleted from the target, with the run that did. */
  readonly deletedThere: ReadonlyMap<SetId, RunId>;
  /** Databases of which the source has log. */
  readonly systemsWithLog: readonly string[];
  /** Databases whose own log backups write into the target. */
  readonly systemsLoggedThere: ReadonlySet<string>;
}

/** What was asked for. */
export interface CopyWish {
  readonly sets: readonly SetId[];
  readonly isAll: boolean;
  readonly isWithLog: boolean;
}

/**
 * Decides what a copy takes: named sets with all that they build on, or every good set that the target does not have. What
 * retention deleted from the target does not come back: each pool has its own retention. Throws `set_unknown` and
 * `copy_refused` for a set that was named.
 */
export function planCopy(world: CopyWorld, wish: CopyWish): PoolCopyTask {
  const { usable, excluded } = sortUsable(world.sets, world.unusable);
  const leftOut: LeftOut[] = [];
  const chosen = new Map<SetId, SetSummary>();
  const reasons = new Map(excluded.map(({ set, reason }) => [set.setId, reason]));
  const known = byId(world.sets);
  const take = (set: SetSummary): void => {
    const chain = chainOf(set, known);
    for (const each of chain.isComplete ? chain.sets : []) chosen.set(each.setId, each);
  };
  for (const setId of wish.sets) {
    const set = known.get(setId);
    if (set === undefined) throw fail('set_unknown', { set: setId });
    const why = reasons.get(setId) ?? goneThere(set, world);
    if (why !== undefined) throw fail('copy_refused', { set: setId, from: world.from, to: world.to, why });
    take(set);
  }
  for (const set of wish.isAll ? usable : []) {
    if (world.there.has(set.setId)) continue;
    const why = goneThere(set, world);
    if (why === undefined) take(set);
    else leftOut.push({ what: set.setId, why });
  }
  if (wish.isAll) leftOut.push(...excluded.map(({ set, reason }) => ({ what: set.setId, why: reason })));
  const sets = [...chosen.values()].filter(({ setId }) => wish.sets.length > 0 || !world.there.has(setId));
  const log = logOf(world, wish, sets);
  return {
    sets: sets.map(({ setId }) => setId),
    bases: [...chosen.keys()].filter((setId) => world.there.has(setId)),
    systems: log.systems,
    bytesTotal: sets.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    leftOut: [...leftOut, ...log.leftOut],
    warnings: sets.filter((set) => lacksLog(set, log.systems, world)).map(warningOf),
  };
}

/** Why a set cannot be in the target again, in words. */
function goneThere(set: SetSummary, { sets, there, deletedThere, to }: CopyWorld): string | undefined {
  const chain = chainOf(set, byId(sets));
  for (const { setId } of chain.isComplete ? chain.sets : []) {
    const run = there.has(setId) ? undefined : deletedThere.get(setId);
    if (run !== undefined)
      return `${setId === set.setId ? 'it' : `its base ${setId}`} was deleted from ${to} by ${run} and does not come back`;
  }
  return undefined;
}

interface LogChoice {
  readonly systems: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** With named sets the log of their databases, else that of all. Two writers would tear the chain of batches. */
function logOf(world: CopyWorld, wish: CopyWish, sets: readonly SetSummary[]): LogChoice {
  if (!wish.isWithLog) return { systems: [], leftOut: [] };
  const ofSets = new Set(sets.map(({ systemId }) => systemId));
  const wanted = world.systemsWithLog.filter(
    (systemId) => wish.sets.length === 0 || wish.isAll || ofSets.has(systemId),
  );
  const isWritten = (systemId: string): boolean => world.systemsLoggedThere.has(systemId);
  const why = `its log backups write into ${world.to} themselves`;
  return {
    systems: wanted.filter((systemId) => !isWritten(systemId)),
    leftOut: wanted.filter(isWritten).map((systemId) => ({ what: `log of ${systemId}`, why })),
  };
}

const lacksLog = (set: SetSummary, systems: readonly string[], { systemsLoggedThere }: CopyWorld): boolean =>
  !set.isConsistent && !systems.includes(set.systemId) && !systemsLoggedThere.has(set.systemId);

const warningOf = ({ setId }: SetSummary) => ({
  code: 'copied_without_log',
  detail: `${setId} has no log inside: copy the log too (--log), or it cannot be restored from the copy alone`,
});
