import type { BatchId, ResourceId, RunId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { SegmentName } from '../wal/segment-name.ts';

/** A named point made by `pg_create_restore_point`. `lsn` is where its record begins. */
export interface RestorePointOfLog {
  readonly name: string;
  readonly lsn: Lsn;
  readonly at: Instant;
}

/**
 * Where transactions end, coarsely: recovery to a time later than every earlier mark and before `at` stops at or after
 * `lsn`. `lsn` is the begin of the first commit or abort record of a stretch that is later than all before it in the
 * segment, `at` the greatest time of the stretch. At most 17 per segment, both fields only grow.
 */
export interface TimeMark {
  readonly lsn: Lsn;
  readonly at: Instant;
}

/** One verified log segment of a committed batch. */
export interface SegmentOfBatch {
  readonly name: SegmentName;
  /** Object name below the branch prefix. */
  readonly object: string;
  readonly from: Lsn;
  /**
   * End of the verified log: the end of the whole segment, or, of a tail that was saved unfinished, the end of its last
   * complete record (a segment closed by a switch counts as whole).
   */
  readonly to: Lsn;
  readonly rawSha256: string;
  readonly storedSha256: string;
  readonly rawBytes: number;
  readonly storedBytes: number;
  /** Times of commits only, in the order of the log; `maxCommit` because times of concurrent commits are not in order. */
  readonly firstCommit?: Instant;
  readonly lastCommit?: Instant;
  readonly maxCommit?: Instant;
  readonly restorePoints: readonly RestorePointOfLog[];
  /**
   * Begin of the last record that ends in this segment or before it (the switch record counts). The server stops at the
   * first record that begins at or after a target LSN, so `latest` can only be executed as the begin of a record.
   */
  readonly lastRecord: Lsn;
  readonly marks?: readonly TimeMark[];
  /** Lowest and highest id among transactions that commit or abort here (decimal text, 32-bit, not wrapped). */
  readonly xids?: { readonly lowest: string; readonly highest: string };
}

/**
 * Which blocks the log of a batch changes, as an object of its own (docs/format.md §6): incremental backups read it
 * instead of the log. It knows every record that begins in `[from, to)`.
 */
export interface ReferencesOfBatch {
  /** Object name below the branch prefix. */
  readonly object: string;
  readonly from: Lsn;
  readonly to: Lsn;
  readonly storedSha256: string;
  readonly storedBytes: number;
}

/** Content of a batch object: the commit point of a log run (design §6). Batches of a branch form a hash chain. */
export interface BatchSummary {
  readonly batchId: BatchId;
  readonly runId: RunId;
  readonly resourceId: ResourceId;
  readonly systemId: string;
  readonly timeline: number;
  readonly branchId: string;
  /** Text of the history file of this timeline; '' on timeline 1. */
  readonly history: string;
  readonly segmentBytes: number;
  readonly from: Lsn;
  readonly to: Lsn;
  /** Wall time up to which the log is known: the time of the switch that closed the last segment (RPO of an idle database). */
  readonly coveredUntil: Instant;
  /** None: the batch brings the history file of a new branch, or says that nothing was written since the one before. */
  readonly segments: readonly SegmentOfBatch[];
  /** SHA-256 of the stored batch object before this one on the branch; '' for the first. */
  readonly previousSha256: string;
  /** True when this batch does not continue the one before it: a recorded break. */
  readonly isAfterGap: boolean;
  /**
   * Hex SHA-256 of the raw segment that ends at `from` and that this batch does not continue: the archive had other valid log in its
   * place, because an earlier state of the instance was put back or a copy of it wrote there.
   */
  readonly breaksWith?: string;
  /** Absent in batches of earlier versions, and where it could not be told: the log itself is read then. */
  readonly references?: ReferencesOfBatch;
}
