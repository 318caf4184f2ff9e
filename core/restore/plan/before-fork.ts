import type { CommittedLog } from '#core/log/coverage.ts';
import { branchesOf, currentBranch, routeTo } from '#core/log/branches.ts';
import { locate } from '#core/log/coverage.ts';
import type { Located } from '#core/log/timeline.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { stopsBefore } from '#core/restore/recovery/stop-branch.ts';
import type { RestoreTarget } from '#core/restore/target.ts';

/**
 * As `locate`; a time or an LSN that certainly lies before a fork of the way is also reached along the branch that was left there:
 * up to the fork both are the same, and the segment of the fork may be known of that one only.
 */
export function locateOnWay(log: CommittedLog, target: RestoreTarget, branchId: string | undefined): Located {
  const found = locate(log, target, branchId);
  if (found.isReachable || (target.at !== 'time' && target.at !== 'lsn')) return found;
  const branches = branchesOf(log);
  const branch = branchId === undefined ? currentBranch(branches, log.owner) : branches.get(branchId);
  const ancestors = branch === undefined ? [] : routeTo(branch, branches).slice(0, -1).reverse();
  for (const { branchId: left, to: fork } of ancestors) {
    if (left === undefined || fork === undefined) continue;
    const way = locate(log, target, left);
    if (way.isReachable && isSurelyBefore(way, target, lsnToNumber(fork))) return way;
  }
  return found;
}

/** The end of the log instead of the target proves nothing: on the other branch more may follow before it. */
function isSurelyBefore(way: Extract<Located, { isReachable: true }>, target: RestoreTarget, fork: number): boolean {
  const { segment } = way.segments.slice(-1)[0] ?? {};
  return segment !== undefined && way.setting === target && stopsBefore(way, segment, fork);
}
