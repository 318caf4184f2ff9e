import type { Instant } from '../instant.ts';
import type { RestorePointOfLog, TimeMark } from '../log/batch-summary.ts';
import type { Lsn } from './lsn.ts';
import type { SegmentHeader } from './page-header.ts';

/** Why and where valid log ends before the end of a segment. */
export interface EarlyEnd {
  readonly reason: 'not-log' | 'page-header' | 'zero' | 'length' | 'crc' | 'prev' | 'continuation';
  /** Byte offset in the file. */
  readonly offset: number;
}

export interface CheckpointOfLog {
  readonly lsn: Lsn;
  readonly redo: Lsn;
  readonly timeline: number;
  readonly isShutdown: boolean;
  /** When it began, in whole seconds. */
  readonly at: Instant;
}

/** One commit or abort, told to `onEnd`. */
export interface TransactionEnd {
  readonly xid: number;
  readonly atMicros: number;
  readonly lsn: Lsn;
  readonly isCommit: boolean;
}

/** All that was found in one segment. LSNs are byte positions of the log. */
export interface SegmentReading {
  readonly header: SegmentHeader;
  readonly from: Lsn;
  /** End of verified log: the end of the segment when `ending` is not `early`, else the end of the last complete record. */
  readonly to: Lsn;
  /** `full`: records lead to the last byte; `switch`: an XLOG_SWITCH record closed it; `early`: log ends before, see `stop`. */
  readonly ending: 'full' | 'switch' | 'early';
  readonly stop?: EarlyEnd;
  /** Timeline of the last valid page. */
  readonly timeline: number;
  /** Records that end here. */
  readonly records: number;
  /** Begin and end of the last record that ends here; begin may lie in an earlier segment. */
  readonly lastRecord?: Lsn;
  readonly lastRecordEnd?: Lsn;
  /** True when the last record begun goes on in the next segment. */
  readonly isContinued: boolean;
  /** True when the segment begins with the rest of a record whose beginning was not given: that rest is unchecked. */
  readonly hasUnknownBegin: boolean;
  /**
   * Every record that begins in `[recordsFrom, recordsTo)` was seen whole. `recordsFrom` may lie in an earlier segment;
   * `recordsTo` is where an unfinished record begins, if there is one.
   */
  readonly recordsFrom: Lsn;
  readonly recordsTo: Lsn;
  readonly firstCommit?: Instant;
  readonly lastCommit?: Instant;
  readonly maxCommit?: Instant;
  /** Latest time that any record of the segment proves: of a commit, an abort or a checkpoint. */
  readonly knownUntil?: Instant;
  readonly marks: readonly TimeMark[];
  readonly xids?: { readonly lowest: string; readonly highest: string };
  readonly restorePoints: readonly RestorePointOfLog[];
  readonly checkpoints: readonly CheckpointOfLog[];
}
