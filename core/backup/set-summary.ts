import type { ChangedPagesSource } from '../changed/changed-pages.ts';
import type { AttemptId, ResourceId, RunId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { SegmentName } from '../wal/segment-name.ts';
import type { Warning } from '../run/progress.ts';

/** 完全 · 差异增量 (base full or incremental, D-024) · 累积增量 (base full, D-025). */
export type SetType = 'full' | 'differential' | 'cumulative';

/** What an incremental set builds on. */
export interface BaseOfSet {
  readonly setId: SetId;
  /** Hex SHA-256 of the stored `meta` of the base: another object under its name is found (docs/format.md §5). */
  readonly metaSha256: string;
  /** The full set at the root of the chain. */
  readonly fullSetId: SetId;
  /** D-038: pages changed since this point are in the set. */
  readonly beginLsn: Lsn;
  readonly endLsn: Lsn;
  readonly changedPages: ChangedPagesSource;
}

/** How a closed instance was left (D-007). */
export interface OfflineOfSet {
  /** clean: shut down as it should be, or dead before it wrote anything. crashed: its log must be replayed up to the end LSN before it is of use. */
  readonly state: 'clean' | 'crashed';
  /** wal_level was minimal: no archive recovery begins from such a set, it can only be opened as it was. */
  readonly isLogMinimal: boolean;
}

/** What a synthetic full was made of: an incremental and all it builds on, without touching the database. */
export interface OriginOfSet {
  readonly setId: SetId;
  /** Hex SHA-256 of the stored `meta` of that incremental. */
  readonly metaSha256: string;
}

export interface TablespaceOfSet {
  readonly oid: number;
  readonly path: string;
}

/**
 * The head of a committed set: what the catalog indexes and what the first line of `meta` says (docs/format.md §5).
 * D-001, D-013…D-018: begin/end LSN with their segments; on one node BAK_END_LSN equals the end LSN.
 */
export interface SetSummary {
  readonly setId: SetId;
  readonly runId: RunId;
  readonly attemptId: AttemptId;
  readonly resourceId: ResourceId;
  readonly type: SetType;
  /** Exactly in incremental sets. */
  readonly base?: BaseOfSet;
  /** Only in fulls that were made by a merge; times and log range are those of the incremental. */
  readonly mergedFrom?: OriginOfSet;
  readonly engine: string;
  /** Server version number, e.g. 180004. */
  readonly serverVersion: number;
  readonly systemId: string;
  readonly timeline: number;
  readonly branchId: string;
  readonly beginLsn: Lsn;
  readonly endLsn: Lsn;
  readonly backupEndLsn: Lsn;
  readonly beginSegment: SegmentName;
  readonly endSegment: SegmentName;
  /**
   * Hex SHA-256 of the whole end segment as the instance had it: log of another time under its name is found. Exactly in sets of a
   * running primary; absent in sets of earlier versions.
   */
  readonly endSegmentSha256?: string;
  readonly beganAt: Instant;
  readonly endedAt: Instant;
  /** True when the log range [begin, end] lies inside the set (D-020, D-021). */
  readonly isConsistent: boolean;
  readonly hasChecksums: boolean;
  readonly pageBytes: number;
  readonly segmentBytes: number;
  readonly tablespaces: readonly TablespaceOfSet[];
  readonly fileCount: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly pieceCount: number;
  readonly isEncrypted: boolean;
  /** Exactly in sets of a closed instance: they have no backup_label, recovery begins at pg_control's redo pointer. */
  readonly offline?: OfflineOfSet;
  readonly warnings: readonly Warning[];
  readonly toolVersion: string;
}
