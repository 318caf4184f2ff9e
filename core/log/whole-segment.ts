import { lsnToNumber } from '../wal/lsn.ts';
import type { SegmentOfBatch } from './batch-summary.ts';

/** Whether a committed segment is known to its end, and not a tail that was saved unfinished (docs/format.md §6). */
export const isWholeSegment = ({ from, to, rawBytes }: Pick<SegmentOfBatch, 'from' | 'to' | 'rawBytes'>): boolean =>
  lsnToNumber(to) - lsnToNumber(from) >= rawBytes;
