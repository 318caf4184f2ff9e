import { z } from 'zod';
import type { HostId, PoolId, ResourceId, SetId } from '../id.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { RateLimits } from '../run/rate.ts';
import type { SettleTask, TransferTask } from '../transfer/task.ts';
import { channelsField, resumeBufferField } from './backup-options.ts';
import { restorePlanShape } from './restore-options.ts';
import { rateLimitsShape } from './shape/progress.ts';
import { settleTaskShape, transferTaskShape } from './shape/transfer.ts';
import { idShape } from './shape/words.ts';

/** Jobs that put databases or tables into a live instance, and those that settle what such a job kept. */
export type TransferSpec =
  | {
      readonly kind: 'database-recovery';
      readonly hostId: HostId;
      readonly poolId: PoolId;
      /** The resource whose sets and log are read. */
      readonly sourceId: ResourceId;
      /** The instance that gets it. */
      readonly resourceId: ResourceId;
      /** Of the scratch instance. */
      readonly plan: RestorePlan;
      readonly task: TransferTask;
      readonly channels: number;
      readonly limits: RateLimits;
      readonly resumeBufferBytes?: number;
    }
  | {
      readonly kind: 'logical-restore';
      readonly hostId: HostId;
      readonly poolId: PoolId;
      readonly setId: SetId;
      /** The instance that gets it. */
      readonly resourceId: ResourceId;
      readonly task: TransferTask;
      readonly channels: number;
      readonly limits: RateLimits;
    }
  | {
      readonly kind: 'settle-transfer';
      readonly hostId: HostId;
      readonly resourceId: ResourceId;
      readonly task: SettleTask;
    };

/** Shapes of `TransferSpec` beside what every job says. */
export const transferSpecShapes = {
  recovery: {
    ...{ kind: z.literal('database-recovery'), hostId: idShape('host'), poolId: idShape('pool') },
    ...{ sourceId: idShape('res'), resourceId: idShape('res'), plan: restorePlanShape, task: transferTaskShape },
    ...{ channels: channelsField, limits: rateLimitsShape, resumeBufferBytes: resumeBufferField.exactOptional() },
  },
  logical: {
    ...{ kind: z.literal('logical-restore'), hostId: idShape('host'), poolId: idShape('pool'), setId: idShape('set') },
    ...{ resourceId: idShape('res'), task: transferTaskShape, channels: channelsField, limits: rateLimitsShape },
  },
  settle: {
    ...{ kind: z.literal('settle-transfer'), hostId: idShape('host'), resourceId: idShape('res') },
    task: settleTaskShape,
  },
};
