import type { PlannedSegment } from '#core/restore/plan/plan.ts';
import type { ResourceId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { RateLimits } from '../run/rate.ts';

/** An end of a range of log: a wall time, or a position. */
export type LogBound = { readonly at: 'time'; readonly time: Instant } | { readonly at: 'lsn'; readonly lsn: Lsn };

/** A segment to be fetched, with what of it is verified log. */
export interface PlannedLog extends PlannedSegment {
  readonly timeline: number;
  /** First position. */
  readonly from: Lsn;
  /** Behind the last verified byte; before the end of the segment for a tail that was saved unfinished. */
  readonly to: Lsn;
}

/** Log of the range that the pool does not have; an open end is not known. */
export interface MissingLog {
  readonly from?: Lsn;
  readonly to?: Lsn;
  /** In words, with the times around it where they are known. */
  readonly what: string;
}

/** Log to be fetched into a directory, made before anything is touched and executed as it is (K-091, K-103). */
export interface LogRestorePlan {
  readonly resourceId: ResourceId;
  readonly systemId: string;
  readonly engine: string;
  readonly segmentBytes: number;
  /** The branch whose log is fetched, with that of its ancestors before it left them. */
  readonly branchId: string;
  readonly timeline: number;
  readonly from: LogBound;
  /** Absent: to the end of the log. */
  readonly to?: LogBound;
  /** Oldest first; the first and the last one hold the ends of the range, so they may hold more than it. */
  readonly segments: readonly PlannedLog[];
  /** Every known history file by name → text. */
  readonly histories: Readonly<Record<string, string>>;
  readonly gaps: readonly MissingLog[];
  /** Bytes of the files that are written. */
  readonly rawBytes: number;
  readonly fetchBytes: number;
}

/** What a log restore is asked for, by reference. */
export interface LogRestoreOfJob {
  /** Absolute path on the host; absent or empty when the run begins. */
  readonly directory: string;
  readonly plan: LogRestorePlan;
  readonly limits: RateLimits;
}

/** How a log restore ended. */
export interface LogRestoreReport {
  readonly directory: string;
  readonly segments: number;
  readonly histories: number;
  readonly bytesWritten: number;
  /** The log that is in the directory: of the first segment to that of the last. */
  readonly from?: Lsn;
  readonly to?: Lsn;
  /** File beside them that a recovery is set up with. */
  readonly recoveryFile: string;
  /** Log of the range that the pool does not have, and segments that are damaged there. */
  readonly missing: readonly MissingLog[];
}
