import { demandLogicalUsable } from '#catalog/logical-sets.ts';
import type { RunRow } from '#catalog/runs.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { Context } from './context.ts';
import { instanceAccess, poolAccess } from './orders.ts';

export type LogicalSpec = JobSpecOf<'logical-backup' | 'logical-care'>;

/** Orders of logical backups and of the care for their sets. Throws what `instanceAccess` and `poolAccess` throw, `logical_set_…`. */
export async function logicalOrder(
  context: Context,
  run: RunRow,
  spec: LogicalSpec,
): Promise<OrderOf<'logical-backup'> | OrderOf<'logical-care'>> {
  const head = { runId: run.id, hostId: run.hostId, pool: await poolAccess(context, spec.poolId) };
  if (spec.kind === 'logical-care') {
    if (spec.task.does === 'verify') await demandLogicalUsable(context.catalog, spec.task.setId);
    return { kind: 'logical-care', ...head, task: spec.task, limits: spec.limits };
  }
  if (run.setId === null) throw bug(`logical backup ${run.id} was recorded without a set id`);
  const { options, logical, resourceId } = spec;
  const instance = await instanceAccess(context, resourceId);
  return { kind: 'logical-backup', ...head, setId: run.setId, jobId: run.jobId, instance, options, logical };
}
