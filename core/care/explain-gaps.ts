import type { LogGap, LogTimeline } from '../log/timeline.ts';
import type { Lsn } from '../wal/lsn.ts';
import { compareLsn } from '../wal/lsn.ts';

/** Log of a branch that plans deleted, half-open. */
export interface DeletedRange {
  readonly branchId: string;
  readonly from: Lsn;
  readonly to: Lsn;
}

/** A timeline without the gaps that retention made on purpose: only log that was lost is told as a gap. */
export const explainGaps = (timeline: LogTimeline, deleted: readonly DeletedRange[]): LogTimeline => ({
  ...timeline,
  branches: timeline.branches.map((branch) => {
    const ranges = deleted
      .filter(({ branchId }) => branchId === branch.branchId)
      .sort((a, b) => compareLsn(a.from, b.from));
    return { ...branch, gaps: branch.gaps.filter((gap) => !isInside(gap, ranges)) };
  }),
});

/** True when the ranges, in order of their begin, cover a gap without a hole. */
function isInside({ from, to }: LogGap, ranges: readonly DeletedRange[]): boolean {
  let position = from;
  for (const range of ranges)
    if (compareLsn(range.from, position) <= 0 && compareLsn(range.to, position) > 0) position = range.to;
  return compareLsn(position, to) >= 0;
}
