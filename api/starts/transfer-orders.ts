import type { RunRow } from '#catalog/runs/runs.ts';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { PoolId, ResourceId, SetId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { TransferSpec } from '#core/settings/transfer-spec.ts';

/** What an order needs that holds secrets, and whether a logical set may be read. */
interface AccessOf {
  readonly instance: (id: ResourceId) => Promise<InstanceAccess>;
  readonly pool: (id: PoolId) => Promise<PoolAccess>;
  /** Throws `logical_set_unknown`, `logical_set_going`. */
  readonly demandSet: (id: SetId) => Promise<unknown>;
}

type TransferOrder = OrderOf<'database-recovery'> | OrderOf<'logical-restore'> | OrderOf<'settle-transfer'>;

const kinds: readonly string[] = ['database-recovery', 'logical-restore', 'settle-transfer'];
export const isTransfer = <S extends { readonly kind: string }>(spec: S): spec is Extract<S, TransferSpec> =>
  kinds.includes(spec.kind);

/** Orders of runs that put databases or tables into a live instance, or settle what such a run kept. */
export async function transferOrder(
  { id: runId, hostId }: RunRow,
  spec: TransferSpec,
  accessOf: AccessOf,
): Promise<TransferOrder> {
  const head = { runId, hostId, instance: await accessOf.instance(spec.resourceId) };
  if (spec.kind === 'settle-transfer') return { kind: 'settle-transfer', ...head, task: spec.task };
  const { task, channels, limits } = spec;
  const pool = await accessOf.pool(spec.poolId);
  if (spec.kind === 'logical-restore') {
    await accessOf.demandSet(spec.setId);
    return { kind: 'logical-restore', ...head, pool, setId: spec.setId, task, channels, limits };
  }
  const { plan, resumeBufferBytes } = spec;
  const order = { kind: 'database-recovery' as const, ...head, pool, plan, task, channels, limits };
  return resumeBufferBytes === undefined ? order : { ...order, resumeBufferBytes };
}
