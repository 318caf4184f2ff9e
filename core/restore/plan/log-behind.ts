import type { SetSummary } from '#core/backup/set-summary.ts';
import type { Instant } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { KnownBranch } from '#core/log/branches.ts';
import { branchesOf, isBreak } from '#core/log/branches.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { hasOtherLog } from '#core/log/reach.ts';
import type { LogBehind } from './plan.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import type { Reached } from '#core/restore/recovery/stop-branch.ts';

/**
 * What `latest` gives up, in the pool that is read or in the others that were asked; undefined when nothing. A latest point that moves
 * back in silence would lose data that nobody gave up.
 */
export function logBehind(
  { log, target, elsewhere = [] }: RestoreRequest,
  { route, segments }: Reached,
  set: SetSummary,
): LogBehind | undefined {
  if (target.at !== 'latest') return undefined;
  const batches = [...log.batches, ...elsewhere];
  const branches = branchesOf({ sets: log.sets, batches });
  const last = segments[segments.length - 1]?.segment;
  const end = lsnToNumber(last?.to ?? set.endLsn);
  const steps = route.map(({ branchId, to }): Step => {
    const limit = to === undefined ? Infinity : lsnToNumber(to) - (lsnToNumber(to) % set.segmentBytes);
    return { branch: branchId === undefined ? undefined : branches.get(branchId), branchId, limit };
  });
  const known = steps.flatMap((step) =>
    batches.filter((batch) => endOf(batch, step) > end).map((batch) => ({ batch, step })),
  );
  if (known.length === 0) return undefined;
  const to = known.map(({ batch, step }) => endOf(batch, step)).reduce((a, b) => Math.max(a, b));
  const begins = steps.flatMap(({ branch, limit }) =>
    [...(branch?.segments.values() ?? [])]
      .filter((known) => known.to > end && known.from < limit)
      // The log ends inside a segment of which another pool holds more: it goes on right there.
      .map(({ from }) => Math.max(from, end)),
  );
  const own = branchesOf(log);
  const before = last === undefined ? undefined : { to: end, segment: last };
  const isBroken = steps.some(({ branchId = '', limit }) => end < limit && isBreak(own.get(branchId), end, before));
  const isOfAnotherTime = isBroken || (last === undefined && hasOtherLog(own.get(set.branchId), set));
  const commits = segments.flatMap(({ segment }) => segment.maxCommit ?? []);
  return {
    ...{ end: formatLsn(end), from: formatLsn(begins.reduce((a, b) => Math.min(a, b), to)), to: formatLsn(to) },
    lastCommit: commits.reduce(later, set.endedAt),
    until: known.map(({ batch }) => batch.coveredUntil).reduce(later),
    ...(isOfAnotherTime ? { isOfAnotherTime: true as const } : {}),
  };
}

interface Step {
  readonly branch: KnownBranch | undefined;
  readonly branchId: string | undefined;
  /** From the segment of a fork on the branch that follows counts. */
  readonly limit: number;
}

/** Where a batch ends that brought log of a step; what was found damaged is no longer among its segments. */
function endOf(batch: BatchSummary, { branchId, limit }: Step): number {
  const to = lsnToNumber(batch.to);
  return batch.branchId === branchId && to > lsnToNumber(batch.from) ? Math.min(to, limit) : 0;
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** The same as a step of the plan. */
export function behindText({ end, lastCommit, from, to, until, isOfAnotherTime }: LogBehind): string {
  const missing =
    from === end ? 'which goes on only in another pool' : `but log from LSN ${end} to ${from} is missing or damaged`;
  const why =
    isOfAnotherTime === true
      ? 'but from there on it is of another time of the instance (an earlier state was put back, or a copy of it wrote there); a full backup that ends behind it begins anew'
      : missing;
  return `GIVES UP KNOWN LOG: it ends at LSN ${end}, last commit ${lastCommit}; log is known up to LSN ${to} (${until}), ${why}`;
}
