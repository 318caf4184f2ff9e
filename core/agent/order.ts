import type { SetSummary, SetType } from '../backup/set-summary.ts';
import type { ChangedPagesSource } from '../changed/changed-pages.ts';
import type { ContentsView } from '../contents/contents.ts';
import type { WantedName } from '../contents/wanted-names.ts';
import type { CareTask } from '../care/care-task.ts';
import type { NewMark } from '../care/mark.ts';
import type { TreeView } from '../logical/content-tree.ts';
import type { LogicalOptions, LogicalTask } from '../logical/task.ts';
import type { PoolCopyTask } from '../care/pool-copy.ts';
import type { CanaryOfResource } from '../drill/canary.ts';
import type { CanaryAbsent, CanaryExpected, DrillChecks, DrillVerdict } from '../drill/drill.ts';
import type { DrillTargetOfOrder, TargetQuestion } from '../drill/drill-target.ts';
import type { LogRestoreOfJob } from '../log/log-restore-plan.ts';
import type { VerifyDepth } from '../care/verify-depth.ts';
import type { HostId, JobId, ResourceId, RunId, SetId } from '../id.ts';
import type { PoolAccess } from '../pool/pool-access.ts';
import type { RateLimits } from '../run/rate.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { TransferOrder } from '../transfer/order.ts';
import type { SegmentName } from '../wal/segment-name.ts';
import type { InstanceAccess } from './instance-access.ts';

export type { InstanceAccess };

/** K-079. `fast` is zstd 1 that looks for shorter matches (agent/codec/zstd.ts); `level` is zstd 1–22. */
export type Compression =
  { readonly mode: 'none' } | { readonly mode: 'fast' } | { readonly mode: 'level'; readonly level: number };

/** K-080 retention of archived log files after backup. Default `delete`. */
export type ArchiveRetention =
  { readonly mode: 'delete' } | { readonly mode: 'keep-days'; readonly days: number } | { readonly mode: 'keep' };

export interface BackupOptions {
  /** K-081, 1–255. */
  readonly channels: number;
  readonly compression: Compression;
  readonly archiveRetention: ArchiveRetention;
  /** K-082 directory on the agent host into which the server archives its log; undefined = found by preflight. */
  readonly archiveDirectory?: string;
  readonly limits: RateLimits;
  /** K-110, core/run/resume-buffer.ts; absent: the usual. */
  readonly resumeBufferBytes?: number;
  readonly isFastCheckpoint: boolean;
  /**
   * D-021: the set gets no log (a non-consistent set); what it needs, from its begin to its end, comes from log backups of the
   * same pool. Absent: the set holds it (D-020). Backups of log have no such thing.
   */
  readonly isWithoutLog?: boolean;
}

/** What of the options of a backup counts for a logical one; the disk rate is that at which the server is read. */
export type LogicalBackupOptions = Pick<BackupOptions, 'channels' | 'compression' | 'limits' | 'resumeBufferBytes'>;

/**
 * The set that an incremental builds on. The agent sees the live database and decides finally: a base that is not usable
 * makes the run a full, which says so (K-048).
 */
export interface BaseOfBackup {
  readonly summary: SetSummary;
  readonly wanted: Exclude<SetType, 'full'>;
  /** Where changed pages must come from; absent: the best that is available. */
  readonly source?: ChangedPagesSource;
}

/** What an agent fetches over its own channel before it begins: everything a step needs, secrets included. */
export type Order =
  | TransferOrder
  | {
      readonly kind: 'full-backup';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly setId: SetId;
      readonly instance: InstanceAccess;
      readonly pool: PoolAccess;
      readonly options: BackupOptions;
      /** D-007: the instance is closed, cleanly or not; refused when it runs. Absent: it is open. */
      readonly isOffline?: boolean;
      /** The instance may be a standby (design §5); with its primary, on which checkpoints are forced. Absent: it may not. */
      readonly standby?: { readonly primary?: InstanceAccess };
      /** Absent: a full. */
      readonly base?: BaseOfBackup;
      /** An incremental was asked for and the catalog knows no base, in words: the set becomes a full, the run says so (K-048). */
      readonly becomesFull?: string;
      /**
       * K-080 applies to full backups too: all that must be known before an archived file may go. Absent: none is
       * deleted.
       */
      readonly archive?: {
        /** Enabled target pools of the log of this resource: all of them must hold a file. */
        readonly pools: readonly PoolAccess[];
        readonly neededFrom: readonly { readonly timeline: number; readonly segment: SegmentName }[];
      };
    }
  | {
      readonly kind: 'log-backup';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly instance: InstanceAccess;
      /** Enabled target pools of the resource: a file is deleted only when all of them hold it. The first is written by this run. */
      readonly pools: readonly PoolAccess[];
      readonly options: BackupOptions;
      /** Begin segments of backups that now run or wait: nothing at or after the oldest may be deleted. */
      readonly neededFrom: readonly { readonly timeline: number; readonly segment: SegmentName }[];
      /** A row to write before the log is closed; absent: nobody opted in. */
      readonly canary?: CanaryOfResource;
    }
  | {
      /** Receives the log as it is written until it is cancelled. */
      readonly kind: 'log-stream';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly instance: InstanceAccess;
      readonly pool: PoolAccess;
      readonly options: BackupOptions;
      /** How often the unfinished segment is committed: what a loss of the host costs at most. */
      readonly tailSeconds: number;
    }
  | {
      readonly kind: 'restore';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      readonly plan: RestorePlan;
      readonly limits: RateLimits;
      readonly channels: number;
      /** K-110; absent: the usual. */
      readonly resumeBufferBytes?: number;
      /** In place only: the running resource whose data directory is replaced. */
      readonly instance?: InstanceAccess;
    }
  | {
      readonly kind: 'verify-set';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      readonly setId: SetId;
      readonly depth: VerifyDepth;
    }
  | {
      readonly kind: 'merge-set';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      /** The incremental that becomes a full together with all it builds on. */
      readonly from: SetId;
      /** The full that is made. */
      readonly setId: SetId;
      /** Its name, written beside it when it is committed. */
      readonly name?: NewMark;
      /** Of what must be packed anew. */
      readonly compression: Compression;
      readonly channels: number;
      readonly limits: RateLimits;
      /** K-110; absent: the usual. */
      readonly resumeBufferBytes?: number;
    }
  | {
      readonly kind: 'extract-set';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      readonly setId: SetId;
      /** Path of a file of the set, or a relation (core/contents/find-members.ts). */
      readonly what: string;
      /** Empty or absent directory on the host. */
      readonly directory: string;
      /** Running instance whose catalog knows the names of relations. */
      readonly instance?: InstanceAccess;
    }
  | {
      readonly kind: 'drill';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      /** Its place is that of a scratch instance. */
      readonly plan: RestorePlan;
      readonly limits: RateLimits;
      readonly channels: number;
      readonly resourceId: ResourceId;
      /** Of the stored login. */
      readonly user?: string;
      /** Data directory of the source on its own host: a drill never works there. */
      readonly sourceDirectory?: string;
      readonly checks: DrillChecks;
      readonly canary?: CanaryExpected;
      /** The marked instance that is replaced; absent: a scratch instance. */
      readonly target?: DrillTargetOfOrder;
      /** Without a canary to look for: why. */
      readonly canaryAbsent?: CanaryAbsent;
      /** The report of this run is stored: only its scratch instance is still to go. */
      readonly told?: DrillVerdict;
    }
  | ({
      readonly kind: 'log-restore';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
    } & LogRestoreOfJob)
  | {
      readonly kind: 'pool-copy';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly from: PoolAccess;
      readonly to: PoolAccess;
      readonly task: PoolCopyTask;
      readonly limits: RateLimits;
    }
  | {
      readonly kind: 'logical-backup';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly setId: SetId;
      /** Written into the set: `keep` counts the sets of one job. */
      readonly jobId: JobId;
      readonly instance: InstanceAccess;
      readonly pool: PoolAccess;
      readonly options: LogicalBackupOptions;
      readonly logical: LogicalOptions;
    }
  | {
      readonly kind: 'logical-care';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      readonly task: LogicalTask;
      readonly limits: RateLimits;
    }
  | { readonly kind: 'no-op'; readonly runId: RunId; readonly hostId: HostId; readonly seconds: number }
  | { readonly kind: 'rebuild'; readonly runId: RunId; readonly hostId: HostId; readonly pool: PoolAccess }
  | {
      readonly kind: 'care';
      readonly runId: RunId;
      readonly hostId: HostId;
      readonly pool: PoolAccess;
      readonly task: CareTask;
    };

export type OrderOf<K extends Order['kind']> = Extract<Order, { kind: K }>;

/** Where the files of a planned restore would go: the agent looks whether they could, without touching anything. */
export interface PlaceQuestion {
  readonly kind: 'place';
  readonly isCopy: boolean;
  /** In place, and written over instead of moved aside. */
  readonly isDelta?: boolean;
  /** Log only: no server will stand there. */
  readonly isOfLog?: boolean;
  readonly directory: string;
  /** New places of its tablespaces. */
  readonly tablespaces: readonly string[];
  /** All that will be written, files and log. */
  readonly bytes: number;
  readonly systemId: string;
}

/** Where names are looked up: in a running instance, or in a set of files or a logical set in a pool. */
export type NamesPlace =
  | { readonly in: 'instance'; readonly instance: InstanceAccess }
  | { readonly in: 'set' | 'logical-set'; readonly pool: PoolAccess; readonly setId: SetId };

/** Preflight and pool checks have no run; the API asks for them through a workflow and the agent fetches this. */
export type Inspection =
  | { readonly kind: 'preflight'; readonly instance: InstanceAccess; readonly archiveDirectory?: string }
  | { readonly kind: 'login'; readonly instance: InstanceAccess }
  | PlaceQuestion
  | TargetQuestion
  | { readonly kind: 'mark-set'; readonly pool: PoolAccess; readonly mark: NewMark }
  | { readonly kind: 'pool-create' | 'pool-test' | 'pool-rotate' | 'pool-kit'; readonly pool: PoolAccess }
  | { readonly kind: 'scratch'; readonly bytes: number }
  | { readonly kind: 'canary'; readonly instance: InstanceAccess; readonly canary: CanaryOfResource }
  | { readonly kind: 'names'; readonly where: NamesPlace; readonly wanted: readonly WantedName[] }
  | { readonly kind: 'content-tree'; readonly instance: InstanceAccess; readonly view: TreeView }
  | {
      readonly kind: 'set-contents';
      readonly pool: PoolAccess;
      readonly setId: SetId;
      readonly view: ContentsView;
      /** Running instance whose catalog names the tables. */
      readonly instance?: InstanceAccess;
    };

export type InspectionOf<K extends Inspection['kind']> = Extract<Inspection, { kind: K }>;
