import type { LogBranch, LogGap, LogTimeline } from '../log/timeline.ts';
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
    const line = lineOf(branch, timeline.branches);
    const ranges = deleted.filter(({ branchId }) => line.has(branchId)).sort((a, b) => compareLsn(a.from, b.from));
    return { ...branch, gaps: branch.gaps.filter((gap) => gap.isBreak === true || !isInside(gap, ranges)) };
  }),
});

/** A branch and its ancestors: a gap before its first segment is of their log. */
function lineOf({ branchId, parent }: LogBranch, branches: readonly LogBranch[]): ReadonlySet<string> {
  const above = branches.find((each) => each.branchId === parent?.branchId);
  return new Set([branchId, ...(above === undefined ? [] : lineOf(above, branches))]);
}

/** True when the ranges, in order of their begin, cover a gap without a hole. */
function isInside({ from, to }: LogGap, ranges: readonly DeletedRange[]): boolean {
  let position = from;
  for (const range of ranges)
    if (compareLsn(range.from, position) <= 0 && compareLsn(range.to, position) > 0) position = range.to;
  return compareLsn(position, to) >= 0;
}
