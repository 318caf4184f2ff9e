import type { SetSummary } from '../backup/set-summary.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { segmentOf } from '../wal/segment-name.ts';
import type { CommittedLog, KnownBranch } from './branches.ts';
import { branchesOf, routeTo } from './branches.ts';
import { reachOf } from './reach.ts';

/** A set that was made without its log (D-021), of which the pool lacks a part. */
export interface LackingSet {
  readonly set: SetSummary;
  /** What is missing, in words. */
  readonly reason: string;
  /** True when log behind the end of the set is there: what is missing is a hole, not log that is still to come. */
  readonly isHole: boolean;
}

/** The sets of a pool that cannot be restored because they hold no log and the pool does not have it all either; in their order. */
export function lackingLog(log: CommittedLog): readonly LackingSet[] {
  if (log.sets.every(({ isConsistent }) => isConsistent)) return [];
  const branches = branchesOf(log);
  return log.sets.flatMap((set) => lackOf(set, branches.get(set.branchId), branches) ?? []);
}

function lackOf(
  set: SetSummary,
  branch: KnownBranch | undefined,
  branches: ReadonlyMap<string, KnownBranch>,
): LackingSet | undefined {
  if (set.isConsistent || branch === undefined) return undefined;
  // Why as if it held its log: only then the way along the log is told although it ends too early.
  const reach = reachOf({ ...set, isConsistent: true }, routeTo(branch, branches), branches);
  if (reach === undefined || reach.isOwnLogKnown) return undefined;
  const { segmentBytes, timeline, endLsn } = set;
  const last = reach.own[reach.own.length - 1];
  const from = formatLsn(Math.max(last?.to ?? 0, lsnToNumber(set.beginLsn)));
  const reason = `log from ${from} (${segmentOf(timeline, from, segmentBytes)}) to ${endLsn} (${set.endSegment}) is not there`;
  const isHole = [...branch.segments.values()].some(({ to }) => to > lsnToNumber(endLsn));
  return { set, reason, isHole };
}
