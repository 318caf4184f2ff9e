import type { InstanceAccess } from '../agent/instance-access.ts';
import type { HostId, RunId, SetId } from '../id.ts';
import type { PoolAccess } from '../pool/pool-access.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { RateLimits } from '../run/rate.ts';
import type { SettleTask, TransferTask } from './task.ts';

interface OrderHead {
  readonly runId: RunId;
  readonly hostId: HostId;
  /** The live instance, with its login. */
  readonly instance: InstanceAccess;
}

/** A scratch instance at a point, and what goes from there into a live instance. */
export interface DatabaseRecoveryOrder extends OrderHead {
  readonly kind: 'database-recovery';
  readonly pool: PoolAccess;
  /** Of the scratch instance (core/restore/scratch-place.ts). */
  readonly plan: RestorePlan;
  readonly channels: number;
  readonly limits: RateLimits;
  /** K-110; absent: the usual. */
  readonly resumeBufferBytes?: number;
  readonly task: TransferTask;
}

/** What goes from a logical set into a live instance. */
export interface LogicalRestoreOrder extends OrderHead {
  readonly kind: 'logical-restore';
  readonly pool: PoolAccess;
  readonly setId: SetId;
  /** Tables that are filled side by side. */
  readonly channels: number;
  readonly limits: RateLimits;
  readonly task: TransferTask;
}

/** What a transfer replaced and kept is dropped, or takes its place again. */
export interface SettleTransferOrder extends OrderHead {
  readonly kind: 'settle-transfer';
  readonly task: SettleTask;
}

export type TransferOrder = DatabaseRecoveryOrder | LogicalRestoreOrder | SettleTransferOrder;
