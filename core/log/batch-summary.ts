import type { BatchId, ResourceId, RunId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { SegmentName } from '../wal/segment-name.ts';

/** One verified log segment of a committed batch. */
export interface SegmentOfBatch {
  readonly name: SegmentName;
  /** Object name below the branch prefix. */
  readonly object: string;
  readonly from: Lsn;
  /** End of the last valid record: the whole segment unless it ends early (a switch counts as whole). */
  readonly to: Lsn;
  /**
   * START of the last record that ends in this segment (the switch record counts). The server stops at the first record
   * that starts at or after a target LSN, so `latest` can only be executed as the start of a record, never as its end.
   */
  readonly lastRecord: Lsn;
  readonly rawSha256: string;
  readonly storedSha256: string;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly firstCommit?: Instant;
  readonly lastCommit?: Instant;
  readonly maxCommit?: Instant;
  /** LSN just after the last record of the segment that is a commit. */
  readonly restorePoints: readonly { readonly name: string; readonly lsn: Lsn; readonly at: Instant }[];
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
  readonly segments: readonly SegmentOfBatch[];
  /** SHA-256 of the stored batch object before this one on the branch; '' for the first. */
  readonly previousSha256: string;
  /** True when this batch does not continue the one before it: a recorded break. */
  readonly isAfterGap: boolean;
}
