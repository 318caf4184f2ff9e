import type { OfflineOfSet, SetType } from '#core/backup/set-summary.ts';
import type { ResourceId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import type { RestoreTarget } from '#core/restore/target.ts';
import type { RestoreWays } from './ways.ts';

/** Where the files go. In place needs typed consent; a copy goes to an empty directory and can touch nothing of production. */
export type RestorePlace =
  | { readonly kind: 'copy'; readonly directory: string; readonly port?: number }
  | {
      readonly kind: 'in-place';
      readonly resourceId: ResourceId;
      readonly directory: string;
      readonly consent: string;
    };

export interface PlannedSegment {
  readonly name: SegmentName;
  readonly branchId: string;
  /** Full object key text in the pool. */
  readonly object: string;
  readonly rawSha256: string;
  readonly storedSha256: string;
}

/** One set that a restore reads. */
export interface PlannedSet {
  readonly setId: SetId;
  readonly type: SetType;
  readonly storedBytes: number;
}

/** Log of the way of a plan that was backed up but is not reached, because what leads to it is missing or damaged. */
export interface LogBehind {
  /** The end of the log that is reached, and its last commit, or the end of the set. */
  readonly end: Lsn;
  readonly lastCommit: Instant;
  /** Where the known log goes on; `to` when all behind the end is damaged. */
  readonly from: Lsn;
  readonly to: Lsn;
  /** Up to when that log is known. */
  readonly until: Instant;
  /** It begins right at the end, and is of another time of the instance: behind a recorded break, or other than what the set ends in. */
  readonly isOfAnotherTime?: true;
}

/** A set behind the chosen one that was left out: a later one shows that an earlier state of the instance was put back since. */
export interface GivenUpTime {
  readonly setId: SetId;
  readonly endLsn: Lsn;
  readonly endedAt: Instant;
  /** The later set, which ends before. */
  readonly later: { readonly setId: SetId; readonly endLsn: Lsn };
}

/**
 * The set that shows that a plan leads into a time that was given up: it was made later, and what the plan restores is not what it is
 * of, because an earlier state of the instance was put back in between.
 */
export interface EnteredTime {
  readonly setId: SetId;
  readonly endLsn: Lsn;
  readonly endedAt: Instant;
}

/** A branch that was written longer than the one that a plan follows, and that parts from it before the point of the plan. */
export interface YoungerBranch {
  /** The timeline that is followed, and up to when it is known. */
  readonly followed: number;
  readonly followedUntil: Instant;
  /** Where the two part. */
  readonly split: Lsn;
  /** The other one. */
  readonly timeline: number;
  readonly until: Instant;
}

/**
 * A printable restore: made before anything is touched, executed as it is, never re-decided (plan → show → execute).
 * `setting` is the recovery target as the server will be told it, which may differ from what was asked: `latest` and
 * a time inside covered-until but after the last commit are executed as an explicit LSN (design §6, §7).
 */
export interface RestorePlan {
  readonly setId: SetId;
  readonly systemId: string;
  readonly serverMajor: number;
  readonly engine: string;
  readonly segmentBytes: number;
  readonly asked: RestoreTarget;
  readonly setting: RestoreTarget;
  /** Numeric recovery_target_timeline. */
  readonly timeline: number;
  /** The reached LSN must be at or after this, else the restore failed. */
  readonly mustReach: Lsn;
  readonly segments: readonly PlannedSegment[];
  /** Every known history file by name → text, siblings too, so that the next timeline number is free; of a standby those of its way. */
  readonly histories: Readonly<Record<string, string>>;
  readonly place: RestorePlace;
  /** Tablespace oid → new absolute path. Every tablespace of the set must be mapped for a copy. */
  readonly tablespaceMap: Readonly<Record<string, string>>;
  /** K-107: promote and open (default), or leave recovered and closed. */
  readonly isOpenedAfter: boolean;
  /** K-110 configuration file to use instead of the set's own. */
  readonly configFile?: string;
  /** Of the set that is restored, when it is one of a closed instance: how its recovery begins (core/restore/recovery/offline-start.ts). */
  readonly offline?: OfflineOfSet;
  /** What was asked beside the usual; absent: nothing. */
  readonly ways?: RestoreWays;
  /** Of a plan to the latest point: log that is known behind its end. Absent: none. */
  readonly givesUp?: LogBehind;
  /** Of a plan whose timeline nobody named: one that may be meant instead. Absent: none. */
  readonly leavesYounger?: YoungerBranch;
  /** Of a plan whose set nobody named: sets that were left out because an earlier state of the instance was put back since. Absent: none. */
  readonly leavesGivenUp?: GivenUpTime;
  /** Of a plan that restores data of a time that was given up, by its set or by its log. Absent: it does not, as far as is known. */
  readonly entersGivenUp?: EnteredTime;
  readonly rawBytes: number;
  /** Sets that are read, the full first, `setId` last. */
  readonly chain: readonly PlannedSet[];
  /** At most this much is fetched from the pool: of a base only the frames that are still needed are. */
  readonly fetchBytes: number;
  /** Ordered steps in words for the printed plan. */
  readonly steps: readonly string[];
}
