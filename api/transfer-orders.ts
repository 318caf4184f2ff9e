import type { RunRow } from '#catalog/runs.ts';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { TransferSpec } from '#core/settings/transfer-spec.ts';

/** What an order needs that holds secrets. */
export interface AccessOf {
  readonly instance: (id: ResourceId) => Promise<InstanceAccess>;
  readonly pool: (id: PoolId) => Promise<PoolAccess>;
}

export const isTransfer = <S extends { readonly kind: string }>(spec: S): spec is Extract<S, TransferSpec> =>
  spec.kind === 'database-recovery' || spec.kind === 'settle-transfer';

/** Orders of runs that put databases or tables into a live instance, or settle what such a run kept. */
export async function transferOrder(
  { id: runId, hostId }: RunRow,
  spec: TransferSpec,
  accessOf: AccessOf,
): Promise<OrderOf<'database-recovery'> | OrderOf<'settle-transfer'>> {
  const head = { runId, hostId, instance: await accessOf.instance(spec.resourceId) };
  if (spec.kind === 'settle-transfer') return { kind: 'settle-transfer', ...head, task: spec.task };
  const { plan, task, channels, limits, resumeBufferBytes } = spec;
  const pool = await accessOf.pool(spec.poolId);
  const order = { kind: 'database-recovery' as const, ...head, pool, plan, task, channels, limits };
  return resumeBufferBytes === undefined ? order : { ...order, resumeBufferBytes };
}
