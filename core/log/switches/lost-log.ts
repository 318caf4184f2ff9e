import type { Warning } from '../../run/progress.ts';
import { formatLsn } from '../../wal/lsn.ts';

/** Log of a timeline, half-open, in bytes. */
export interface LogRange {
  readonly timeline: number;
  readonly from: number;
  readonly to: number;
}

/**
 * What is missing of a timeline that was left at `left` when all that is known of it ends at `end`: the segment in which it was left
 * begins the log of the next timeline, which holds a copy of it. Undefined when nothing is.
 */
export function lostBeforeLeft(
  end: number,
  left: number,
  segmentBytes: number,
): Omit<LogRange, 'timeline'> | undefined {
  const to = left - (left % segmentBytes);
  return end < to ? { from: end, to } : undefined;
}

/** The lost range, named: nothing leads over it from the sets before. */
export const lostWarning = ({ timeline, from, to }: LogRange): Warning => ({
  code: 'log_gap',
  detail: `log of timeline ${String(timeline)} from ${formatLsn(from)} to ${formatLsn(to)} is missing: points behind ${formatLsn(from)} cannot be reached until a new full backup`,
});
