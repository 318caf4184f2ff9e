import type { SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { RestoreTarget } from '../restore/target.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { RestorePointOfLog, SegmentOfBatch } from './batch-summary.ts';

/** Gap-free verified log of one branch, `[from, to)`. */
export interface LogStretch {
  readonly from: Lsn;
  readonly to: Lsn;
  /** Begin of its last complete record: what `latest` is executed as. */
  readonly lastRecord: Lsn;
  readonly firstCommit?: Instant;
  /** Greatest commit time. */
  readonly lastCommit?: Instant;
  /** Wall time up to which the log is known (design §6). */
  readonly coveredUntil: Instant;
  readonly segmentCount: number;
  readonly restorePoints: readonly RestorePointOfLog[];
}

/** Missing log between two stretches of a branch, half-open. */
export interface LogGap {
  readonly from: Lsn;
  readonly to: Lsn;
  /** Nothing is missing, but what follows is log of another time of the instance than what is known before it. */
  readonly isBreak?: true;
  /** Commit times around the gap, where known. */
  readonly after?: Instant;
  readonly before?: Instant;
}

/** A recovery branch 恢复分支: one timeline of one history. */
export interface LogBranch {
  readonly branchId: string;
  readonly timeline: number;
  /** Text of its history file; '' on timeline 1; absent when only sets name this branch and nobody has brought the file. */
  readonly history?: string;
  /** The branch it left and where; absent on timeline 1 and when the parent is not known. */
  readonly parent?: { readonly branchId: string; readonly forkLsn: Lsn };
  readonly stretches: readonly LogStretch[];
  readonly gaps: readonly LogGap[];
}

/** A point that can be reached. */
export interface RecoveryPoint {
  readonly lsn: Lsn;
  readonly at: Instant;
}

/** What can be reached from one set along one branch: every point from the end of the set to `to`. */
export interface RecoveryWindow {
  readonly setId: SetId;
  readonly branchId: string;
  readonly timeline: number;
  /** End of the set. */
  readonly from: RecoveryPoint;
  /** Last contiguous record and the time up to which nothing else happened. */
  readonly to: RecoveryPoint;
  readonly lastCommit?: Instant;
}

/** How far a branch can be followed: the furthest point that any set reaches on it. */
export type BranchReach = Pick<RecoveryWindow, 'setId' | 'branchId' | 'timeline' | 'to'>;

/** The recovery timeline of one database as API, CLI and console show it. Plain JSON. */
export interface LogTimeline {
  readonly branches: readonly LogBranch[];
  readonly windows: readonly RecoveryWindow[];
  /** For each branch that a set reaches. */
  readonly furthest: readonly BranchReach[];
  /** Branch that is written now: the highest timeline, then the latest. Targets without a timeline mean this one. */
  readonly currentBranchId?: string;
  readonly earliest?: RecoveryPoint;
  readonly latest?: RecoveryPoint;
  readonly lastCommit?: Instant;
  /** Recovery point objective is measured from here. */
  readonly coveredUntil?: Instant;
}

/** One stop of a way from timeline 1 to a branch: the branch is followed over `[from, to)`, the last one has no `to`. */
export interface RouteStep {
  /** Absent when nothing of this ancestor is in the pool. */
  readonly branchId?: string;
  readonly timeline: number;
  readonly from: Lsn;
  readonly to?: Lsn;
}

export interface RoutedSegment {
  readonly branchId: string;
  readonly timeline: number;
  readonly segment: SegmentOfBatch;
}

export type UnreachableReason =
  | 'no-set'
  | 'set-unknown'
  | 'timeline-unknown'
  | 'before-first-set'
  | 'in-gap'
  | 'after-latest'
  | 'name-unknown'
  | 'name-ambiguous'
  | 'xid-unknown';

/** Answer to "can this point be reached, and how?" */
export type Located =
  | {
      readonly isReachable: true;
      /** Best set: the one with the highest end LSN from which the log leads to the point without a gap. */
      readonly setId: SetId;
      readonly branchId: string;
      readonly timeline: number;
      /** Where recovery stops at the earliest; sets are chosen against it, never against a clock. */
      readonly lsn: Lsn;
      /** What the server is told: may be an explicit LSN where a time or `latest` was asked (design §6, §7). */
      readonly setting: RestoreTarget;
      /** The replayed LSN must be at or after this. */
      readonly mustReach: Lsn;
      /** Segments to put in place, oldest first, each chosen by the history: from the begin of the set's end segment on. */
      readonly segments: readonly RoutedSegment[];
      /** Known history files by name (`00000002.history`) that lead to this branch; put siblings of `LogTimeline` in place too. */
      readonly route: readonly RouteStep[];
    }
  | {
      readonly isReachable: false;
      readonly reason: UnreachableReason;
      /** Nearest reachable points. */
      readonly before?: RecoveryPoint;
      readonly after?: RecoveryPoint;
      /** The restore points that all have the name that was asked for. */
      readonly points?: readonly RecoveryPoint[];
    };
