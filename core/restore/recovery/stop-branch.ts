import type { KnownSegment } from '#core/log/branches.ts';
import { branchesOf } from '#core/log/branches.ts';
import type { CommittedLog } from '#core/log/coverage.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { Located, RoutedSegment } from '#core/log/timeline.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';

export type Reached = Extract<Located, { isReachable: true }>;

/**
 * Plans the last segment on the branch that owns the stop. The segment of a fork is known twice, and the log from its
 * begin to the fork is the same in both; a server that stops there on the child writes a history in which its new
 * timeline leaves a parent before that parent began. Where it is not certain that the stop lies before the fork, or the
 * parent's segment is unknown, the plan stays.
 */
export function stopOnOwner(located: Reached, log: CommittedLog): Reached {
  const last = located.segments.slice(-1)[0];
  const index = located.route.findIndex((step) => step.branchId === last?.branchId);
  const step = located.route[index];
  const parentId = located.route[index - 1]?.branchId;
  if (last === undefined || step === undefined || parentId === undefined) return located;
  const isBefore = stopsBefore(located, last.segment, lsnToNumber(step.from));
  const twin = isBefore ? branchesOf(log).get(parentId)?.segments.get(lsnToNumber(last.segment.from)) : undefined;
  if (twin === undefined || lsnToNumber(twin.segment.lastRecord) < lsnToNumber(located.lsn)) return located;
  return stopOnOwner({ ...located, segments: [...located.segments.slice(0, -1), routed(twin)] }, log);
}

const routed = ({ branchId, timeline, segment }: KnownSegment): RoutedSegment => ({ branchId, timeline, segment });

/** Whether recovery certainly stops before a fork, by what is known of the segment it stops in. */
export function stopsBefore({ setting, lsn }: Reached, segment: SegmentOfBatch, fork: number): boolean {
  const stop = lsnToNumber(lsn);
  if (stop >= fork) return false;
  const marks = segment.marks ?? [];
  switch (setting.at) {
    case 'name':
    case 'immediate':
      return true;
    case 'lsn': {
      // The server stops at the first record that begins at the target or later: one must be known before the fork.
      const known = [...marks, ...segment.restorePoints].map((one) => lsnToNumber(one.lsn));
      return known.some((begin) => begin >= stop && begin < fork);
    }
    case 'time': {
      // The commit that stops it lies somewhere between its mark and the next one.
      const next = marks.find((mark) => lsnToNumber(mark.lsn) > stop);
      return next !== undefined && lsnToNumber(next.lsn) <= fork;
    }
    case 'xid':
    case 'latest':
      return false;
  }
}
