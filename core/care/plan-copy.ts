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
  /** Of the target: damaged or quarantined there. */
  readonly unusableThere: UnusableSets;
  /** Sets that a plan deleted from the target, with the run that did. */
  readonly deletedThere: ReadonlyMap<SetId, RunId>;
  /** Those of them whose run has not ended. */
  readonly deletingThere: ReadonlyMap<SetId, RunId>;
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
 * was deleted from the target comes back only with a set that is named: each pool has its own retention. Nothing is put upon
 * a set that is damaged or quarantined in the target. Throws `set_unknown` and `copy_refused` for a set that was named.
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
    const why = reasons.get(setId) ?? badThere(set, world) ?? leavingThere(set, world);
    if (why !== undefined) throw fail('copy_refused', { set: setId, from: world.from, to: world.to, why });
    take(set);
  }
  for (const set of wish.isAll ? usable : []) {
    const why = badThere(set, world) ?? goneThere(set, world);
    if (why !== undefined) leftOut.push({ what: set.setId, why });
    else if (!world.there.has(set.setId)) take(set);
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

/** The first of a set and all that it builds on of which something is to be said, in words. */
function sayOfChain(
  set: SetSummary,
  { sets }: CopyWorld,
  say: (setId: SetId, name: string) => string | undefined,
): string | undefined {
  const chain = chainOf(set, byId(sets));
  for (const { setId } of chain.isComplete ? chain.sets : []) {
    const said = say(setId, setId === set.setId ? 'it' : `its base ${setId}`);
    if (said !== undefined) return said;
  }
  return undefined;
}

/** Why a set is not brought to the target again when nobody names it. */
const goneThere = (set: SetSummary, world: CopyWorld): string | undefined =>
  sayOfChain(set, world, (setId, name) => {
    const run = world.there.has(setId) ? undefined : world.deletedThere.get(setId);
    return run === undefined
      ? undefined
      : `${name} was deleted from ${world.to} by ${run} and comes back only when it is named with --set`;
  });

/** A deletion that goes on would take what the copy puts. */
const leavingThere = (set: SetSummary, world: CopyWorld): string | undefined =>
  sayOfChain(set, world, (setId, name) => {
    const run = world.deletingThere.get(setId);
    return run === undefined ? undefined : `${name} is being deleted from ${world.to} by ${run}: wait for its end`;
  });

/** What the target has is not sent again, so a copy that is not good there has to go first. */
const badThere = (set: SetSummary, world: CopyWorld): string | undefined =>
  sayOfChain(set, world, (setId, name) => {
    const why = world.there.has(setId) ? world.unusableThere.get(setId) : undefined;
    if (why === undefined) return undefined;
    const remove = `\`holdfast set rm ${setId} --pool ${world.to}\``;
    return `${name} is in ${world.to} already and not good there (${why}): remove it there with ${remove}, then copy again`;
  });

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
