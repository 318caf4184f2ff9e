import { z } from 'zod';
import type { BackupOptions, Compression, LogicalBackupOptions } from '../agent/order.ts';
import type { SetType } from '../backup/set-summary.ts';
import type { ScrubTask } from '../care/care-task.ts';
import type { NewMark } from '../care/mark.ts';
import type { VerifyDepth } from '../care/verify-depth.ts';
import { verifyDepths } from '../care/verify-depth.ts';
import type { ChangedPagesSource } from '../changed/changed-pages.ts';
import type { Hooks } from '../hooks/hook.ts';
import type { HostId, PlanId, PoolId, ResourceId, SetId } from '../id.ts';
import type { LogicalOptions, LogicalTask } from '../logical/task.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { DrillOfJob } from '../drill/drill.ts';
import type { LogRestoreOfJob } from '../log/log-restore-plan.ts';
import type { RateLimits } from '../run/rate.ts';
import {
  backupOptionsShape,
  channelsField,
  compressionShape,
  reconnectField,
  resumeBufferField,
} from './backup-options.ts';
import { hooksShape, verifyAfterShape } from './hooks.ts';
import { keepShape, logicalBackupOptionsShape } from './logical-options.ts';
import { restorePlanShape } from './restore-options.ts';
import { newMarkShape } from './shape/care.ts';
import { changedPagesSourceShape } from './shape/committed.ts';
import { logicalOptionsShape, logicalTaskShape } from './shape/logical.ts';
import { rateLimitsShape } from './shape/progress.ts';
import { countShape, idShape, pathShape } from './shape/words.ts';
import type { TransferSpec } from './transfer-spec.ts';
import { transferSpecShapes } from './transfer-spec.ts';
import { drillChecksShape, drillTargetOfJobShape } from './shape/drill.ts';
import { logRestorePlanShape } from './shape/log-restore.ts';

/** What every job says: K-084, and what happens when its lane is busy (design §4). */
interface CommonOfJob {
  readonly reconnectMinutes: number;
  readonly whenBusy: 'skip' | 'refuse' | 'wait';
  /** Scripts around the work (K-087, K-088). */
  readonly hooks?: Hooks;
  /** Of backups: how deep the set that was just made is read back. */
  readonly verifyAfter?: 'none' | 'quick' | 'full';
}

/** A plan that was shown, or the collection of leftovers. A plan that touches log keeps log backups of its resource out. */
export type CareOfJob =
  | { readonly does: 'plan'; readonly planId: PlanId; readonly logOf?: ResourceId }
  | { readonly does: 'collect'; readonly isDryRun: boolean; readonly graceHours: number }
  | {
      readonly does: 'scrub';
      readonly depth: ScrubTask['depth'];
      /** Stored bytes after which it ends; absent: it looks at everything. */
      readonly budgetBytes?: number;
      /** Damage that no later good full makes up for starts one. */
      readonly isFollowedByFull: boolean;
      /** Only what is of this resource. */
      readonly resourceId?: ResourceId;
    };

/** A standby is backed up; its primary, and where the agent of the standby reaches that when its own socket does not serve. */
export interface StandbyOfJob {
  readonly primaryId?: ResourceId;
  readonly address?: { readonly host: string; readonly port: number };
}

/** Content of a job revision: what a run does, by reference. Secrets and addresses are added when the order is made. */
export type JobSpec = CommonOfJob &
  (
    | {
        readonly kind: 'full-backup';
        readonly resourceId: ResourceId;
        readonly poolId: PoolId;
        readonly options: BackupOptions;
        /** D-007: of a closed instance. */
        readonly isOffline?: boolean;
        readonly standby?: StandbyOfJob;
      }
    | {
        readonly kind: 'log-backup';
        readonly resourceId: ResourceId;
        readonly poolId: PoolId;
        readonly options: BackupOptions;
      }
    | {
        readonly kind: 'log-stream';
        readonly resourceId: ResourceId;
        readonly poolId: PoolId;
        readonly options: BackupOptions;
        readonly tailSeconds: number;
      }
    | {
        readonly kind: 'incremental-backup';
        readonly resourceId: ResourceId;
        readonly poolId: PoolId;
        readonly options: BackupOptions;
        /** The base is chosen when the run begins (D-024, D-025). */
        readonly type: Exclude<SetType, 'full'>;
        /** Where changed pages must come from; absent: the best that is available. */
        readonly source?: ChangedPagesSource;
        readonly standby?: StandbyOfJob;
      }
    | {
        readonly kind: 'restore';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        /** The resource whose sets and log are read. */
        readonly sourceId: ResourceId;
        readonly plan: RestorePlan;
        readonly channels: number;
        readonly limits: RateLimits;
        readonly resumeBufferBytes?: number;
      }
    | {
        readonly kind: 'verify-set';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        readonly setId: SetId;
        readonly depth: VerifyDepth;
      }
    | {
        readonly kind: 'merge-set';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        /** The incremental; the full that is made is the set of the run. */
        readonly from: SetId;
        readonly name?: NewMark;
        readonly compression: Compression;
        readonly channels: number;
        readonly limits: RateLimits;
        readonly resumeBufferBytes?: number;
      }
    | {
        readonly kind: 'extract-set';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        readonly setId: SetId;
        readonly what: string;
        readonly directory: string;
        /** Instance whose catalog knows the names of relations. */
        readonly namesFrom?: ResourceId;
      }
    | TransferSpec
    | { readonly kind: 'rebuild'; readonly hostId: HostId; readonly poolId: PoolId }
    | {
        readonly kind: 'care';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        readonly care: CareOfJob;
      }
    | ({
        readonly kind: 'drill';
        readonly hostId: HostId;
        /** The pool that somebody named; absent: of all pools, when a run begins, the one that gets furthest. */
        readonly poolId?: PoolId;
      } & DrillOfJob)
    | ({ readonly kind: 'log-restore'; readonly hostId: HostId; readonly poolId: PoolId } & LogRestoreOfJob)
    | {
        readonly kind: 'pool-copy';
        readonly hostId: HostId;
        /** The pool that is read. */
        readonly poolId: PoolId;
        readonly toPoolId: PoolId;
        /** Sets that were named; each goes with what it builds on. Absent and `isAll` false: no sets. */
        readonly sets: readonly SetId[];
        /** Every good set that the pool has when the run begins. */
        readonly isAll: boolean;
        readonly isWithLog: boolean;
        readonly limits: RateLimits;
      }
    | {
        readonly kind: 'logical-backup';
        readonly resourceId: ResourceId;
        readonly poolId: PoolId;
        readonly options: LogicalBackupOptions;
        readonly logical: LogicalOptions;
        /** How many sets of the job are wanted; what is behind them is shown, then deleted by a person. */
        readonly keep?: number;
      }
    | {
        readonly kind: 'logical-care';
        readonly hostId: HostId;
        readonly poolId: PoolId;
        readonly task: LogicalTask;
        readonly limits: RateLimits;
      }
    | { readonly kind: 'no-op'; readonly hostId: HostId; readonly seconds: number }
  );

export type JobSpecOf<K extends JobSpec['kind']> = Extract<JobSpec, { kind: K }>;

const careShape: z.ZodType<CareOfJob> = z.discriminatedUnion('does', [
  z.looseObject({ does: z.literal('plan'), planId: idShape('plan'), logOf: idShape('res').exactOptional() }),
  z.looseObject({ does: z.literal('collect'), isDryRun: z.boolean(), graceHours: countShape }),
  z.looseObject({
    ...{ does: z.literal('scrub'), depth: z.enum(['full', 'page']), isFollowedByFull: z.boolean() },
    ...{ budgetBytes: countShape.exactOptional(), resourceId: idShape('res').exactOptional() },
  }),
]);

const common = {
  ...{ reconnectMinutes: reconnectField, whenBusy: z.enum(['skip', 'refuse', 'wait']) },
  ...{ hooks: hooksShape.exactOptional(), verifyAfter: verifyAfterShape.exactOptional() },
};

const standbyShape: z.ZodType<StandbyOfJob> = z.looseObject({
  primaryId: idShape('res').exactOptional(),
  address: z.looseObject({ host: z.string(), port: z.number() }).exactOptional(),
});

export const jobSpecShape: z.ZodType<JobSpec> = z.discriminatedUnion('kind', [
  z.looseObject({
    ...common,
    kind: z.literal('full-backup'),
    resourceId: idShape('res'),
    poolId: idShape('pool'),
    options: backupOptionsShape,
    isOffline: z.boolean().exactOptional(),
    standby: standbyShape.exactOptional(),
  }),
  z.looseObject({
    ...common,
    kind: z.literal('log-backup'),
    resourceId: idShape('res'),
    poolId: idShape('pool'),
    options: backupOptionsShape,
  }),
  z.looseObject({
    ...common,
    kind: z.literal('log-stream'),
    resourceId: idShape('res'),
    poolId: idShape('pool'),
    options: backupOptionsShape,
    tailSeconds: countShape,
  }),
  z.looseObject({
    ...common,
    kind: z.literal('incremental-backup'),
    resourceId: idShape('res'),
    poolId: idShape('pool'),
    options: backupOptionsShape,
    type: z.enum(['differential', 'cumulative']),
    source: changedPagesSourceShape.exactOptional(),
    standby: standbyShape.exactOptional(),
  }),
  z.looseObject({
    ...common,
    kind: z.literal('restore'),
    hostId: idShape('host'),
    poolId: idShape('pool'),
    sourceId: idShape('res'),
    plan: restorePlanShape,
    channels: channelsField,
    limits: rateLimitsShape,
    resumeBufferBytes: resumeBufferField.exactOptional(),
  }),
  z.looseObject({
    ...common,
    kind: z.literal('verify-set'),
    hostId: idShape('host'),
    poolId: idShape('pool'),
    setId: idShape('set'),
    depth: z.enum(verifyDepths),
  }),
  z.looseObject({
    ...common,
    kind: z.literal('merge-set'),
    hostId: idShape('host'),
    poolId: idShape('pool'),
    from: idShape('set'),
    name: newMarkShape.exactOptional(),
    compression: compressionShape,
    channels: channelsField,
    limits: rateLimitsShape,
    resumeBufferBytes: resumeBufferField.exactOptional(),
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('extract-set'), hostId: idShape('host'), poolId: idShape('pool') },
    ...{ setId: idShape('set'), what: z.string(), directory: pathShape, namesFrom: idShape('res').exactOptional() },
  }),
  z.looseObject({ ...common, ...transferSpecShapes.recovery }),
  z.looseObject({ ...common, ...transferSpecShapes.logical }),
  z.looseObject({ ...common, ...transferSpecShapes.settle }),
  z.looseObject({ ...common, kind: z.literal('rebuild'), hostId: idShape('host'), poolId: idShape('pool') }),
  z.looseObject({
    ...common,
    kind: z.literal('care'),
    hostId: idShape('host'),
    poolId: idShape('pool'),
    care: careShape,
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('drill'), hostId: idShape('host'), poolId: idShape('pool').exactOptional() },
    ...{ sourceId: idShape('res'), checks: drillChecksShape, channels: channelsField, limits: rateLimitsShape },
    target: drillTargetOfJobShape.exactOptional(),
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('log-restore'), hostId: idShape('host'), poolId: idShape('pool') },
    ...{ directory: pathShape, plan: logRestorePlanShape, limits: rateLimitsShape },
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('pool-copy'), hostId: idShape('host'), poolId: idShape('pool') },
    ...{ toPoolId: idShape('pool'), sets: z.array(idShape('set')), isAll: z.boolean(), isWithLog: z.boolean() },
    limits: rateLimitsShape,
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('logical-backup'), resourceId: idShape('res'), poolId: idShape('pool') },
    ...{ options: logicalBackupOptionsShape, logical: logicalOptionsShape, keep: keepShape.exactOptional() },
  }),
  z.looseObject({
    ...{ ...common, kind: z.literal('logical-care'), hostId: idShape('host'), poolId: idShape('pool') },
    ...{ task: logicalTaskShape, limits: rateLimitsShape },
  }),
  z.looseObject({ ...common, kind: z.literal('no-op'), hostId: idShape('host'), seconds: countShape }),
]);
