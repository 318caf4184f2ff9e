import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import type { Lsn } from '../wal/lsn.ts';
import { formatSegmentName, segmentOf } from '../wal/segment-name.ts';
import type { SegmentName } from '../wal/segment-name.ts';

export interface BackupRange {
  readonly timeline: number;
  readonly beginLsn: Lsn;
  /** End of the backup-end record, exclusive: a position on a segment border belongs to the segment before it. */
  readonly endLsn: Lsn;
  readonly segmentBytes: number;
}

/** Segment that holds the last byte of the range (`XLByteToPrevSeg`). */
export const endSegmentOf = ({ timeline, endLsn, segmentBytes }: BackupRange): SegmentName =>
  segmentOf(timeline, formatLsn(lsnToNumber(endLsn) - 1), segmentBytes);

/** Every log segment a set needs to be consistent alone, in order (D-013, D-015, D-020). */
export function segmentsOfBackup(range: BackupRange): readonly SegmentName[] {
  const { timeline, beginLsn, endLsn, segmentBytes } = range;
  const first = Math.floor(lsnToNumber(beginLsn) / segmentBytes);
  const last = Math.floor((lsnToNumber(endLsn) - 1) / segmentBytes);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    formatSegmentName({ timeline, number: first + i }, segmentBytes),
  );
}
