import { demandLogicalUsable } from '#catalog/logical-sets.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';

type LogicalSpec = JobSpecOf<'logical-backup' | 'logical-care'>;

/** What an order needs that holds secrets. */
interface AccessOf {
  readonly instance: (id: ResourceId) => Promise<InstanceAccess>;
  readonly pool: (id: PoolId) => Promise<PoolAccess>;
}

/** Orders of logical backups and of the care for their sets. Throws what `accessOf` throws, `logical_set_…`. */
export async function logicalOrder(
  context: Context,
  run: RunRow,
  spec: LogicalSpec,
  accessOf: AccessOf,
): Promise<OrderOf<'logical-backup'> | OrderOf<'logical-care'>> {
  const head = { runId: run.id, hostId: run.hostId, pool: await accessOf.pool(spec.poolId) };
  if (spec.kind === 'logical-care') {
    if (spec.task.does === 'verify') await demandLogicalUsable(context.catalog, spec.task.setId);
    return { kind: 'logical-care', ...head, task: spec.task, limits: spec.limits };
  }
  if (run.setId === null) throw bug(`logical backup ${run.id} was recorded without a set id`);
  const { options, logical, resourceId } = spec;
  const instance = await accessOf.instance(resourceId);
  return { kind: 'logical-backup', ...head, setId: run.setId, jobId: run.jobId, instance, options, logical };
}
