import { getPool } from '#catalog/pools/pools.ts';
import { deletionsOfPlan, getPlan, takePlan } from '#catalog/pools/retention.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import type { CareTask } from '#core/care/care-task.ts';
import { fail } from '#core/errors/fail.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { demandSameWorld } from './care-plan.ts';
import type { Context } from '#api/context.ts';

/**
 * What the agent of a care run does. A plan is looked at once more when its run begins, which may be long after it was
 * asked for, and belongs to that run from then on. Throws `plan_outdated`, `plan_unknown`.
 */
export async function careTask(context: Context, run: RunRow, { care }: JobSpecOf<'care'>): Promise<CareTask> {
  if (care.does === 'collect') return { task: 'collect', isDryRun: care.isDryRun, graceHours: care.graceHours };
  if (care.does === 'scrub') return { task: 'scrub', depth: care.depth };
  const { plan, runId } = await getPlan(context.catalog, care.planId);
  if (runId === null) {
    const pool = await getPool(context.catalog, plan.poolId);
    await demandSameWorld(context, plan, { resourceId: plan.resourceId, pool });
  }
  const isOurs = await takePlan(context.catalog, care.planId, run.id);
  if (!isOurs)
    throw fail('plan_outdated', { plan: care.planId, what: `run ${runId ?? 'of another'} executes it already` });
  return { task: 'delete', planId: care.planId, ...(await deletionsOfPlan(context.catalog, care.planId)) };
}
