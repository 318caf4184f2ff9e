import { z } from 'zod';
import type { LogToDelete } from '#core/care/care-task.ts';
import type { RetentionPolicy } from '#core/care/policy.ts';
import type { CarePlan } from '#core/care/retention-plan.ts';
import { fail } from '#core/errors/fail.ts';
import type { PlanId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import { carePlanShape, deletionsShape, retentionPolicyShape } from '#core/settings/shape/care.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

export const policyRowShape = z.object({
  resourceId: idShape('res'),
  resourceName: z.string(),
  poolId: idShape('pool'),
  poolName: z.string(),
  policy: retentionPolicyShape,
  setBy: z.string(),
  setAt: instantShape,
});
export type PolicyRow = z.output<typeof policyRowShape>;

const columns = `p.resource_id as "resourceId", r.name as "resourceName", p.pool_id as "poolId", o.name as "poolName",
  p.policy, p.set_by as "setBy", p.set_at as "setAt"`;
const from = 'retention_policy p join resource r on r.id = p.resource_id join pool o on o.id = p.pool_id';

export const listPolicies = (db: Database): Promise<PolicyRow[]> =>
  db.rows(policyRowShape, `select ${columns} from ${from} order by r.name, o.name`);

export async function findPolicy(db: Database, pool: PoolId, resource: ResourceId): Promise<PolicyRow | undefined> {
  const sql = `select ${columns} from ${from} where p.pool_id = $1 and p.resource_id = $2`;
  return (await db.rows(policyRowShape, sql, [pool, resource]))[0];
}

export interface NewPolicy {
  readonly poolId: PoolId;
  readonly resourceId: ResourceId;
  /** Undefined: everything is kept from now on. */
  readonly policy: RetentionPolicy | undefined;
  readonly setBy: string;
}

export async function storePolicy(db: Database, { poolId, resourceId, policy, setBy }: NewPolicy): Promise<void> {
  if (policy === undefined) {
    await db.change('delete from retention_policy where pool_id = $1 and resource_id = $2', [poolId, resourceId]);
    return;
  }
  await db.change(
    `insert into retention_policy (pool_id, resource_id, policy, set_by) values ($1, $2, $3, $4)
     on conflict (resource_id, pool_id) do update set policy = $3, set_by = $4, set_at = now()`,
    [poolId, resourceId, JSON.stringify(policy), setBy],
  );
}

/** What a plan deletes, in the order of deletion. */
export interface PlannedDeletions {
  readonly sets: readonly SetId[];
  readonly log: readonly LogToDelete[];
}

export async function storePlan(
  db: Database,
  plan: CarePlan,
  deletions: PlannedDeletions,
  madeBy: string,
): Promise<void> {
  await db.change(
    `insert into care_plan (id, pool_id, resource_id, plan, deletions, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    [plan.planId, plan.poolId, plan.resourceId, JSON.stringify(plan), JSON.stringify(deletions), madeBy, plan.madeAt],
  );
}

export interface StoredPlan {
  readonly plan: CarePlan;
  /** Run that executes or executed it. */
  readonly runId: RunId | null;
}

/** Throws `plan_unknown`. */
export async function getPlan(db: Database, id: PlanId): Promise<StoredPlan> {
  const rows = await db.rows(
    z.object({ plan: carePlanShape, runId: idShape('run').nullable() }),
    'select plan, run_id as "runId" from care_plan where id = $1',
    [id],
  );
  const found = rows[0];
  if (found === undefined) throw fail('plan_unknown', { plan: id });
  return found;
}

/** The plan that a run executes; undefined: it executes none. */
export async function planOfRun(db: Database, runId: RunId): Promise<CarePlan | undefined> {
  const rows = await db.rows(z.object({ plan: carePlanShape }), 'select plan from care_plan where run_id = $1', [
    runId,
  ]);
  return rows[0]?.plan;
}

/** Throws `plan_unknown`. */
export async function deletionsOfPlan(db: Database, id: PlanId): Promise<PlannedDeletions> {
  const rows = await db.rows(z.object({ deletions: deletionsShape }), 'select deletions from care_plan where id = $1', [
    id,
  ]);
  const found = rows[0];
  if (found === undefined) throw fail('plan_unknown', { plan: id });
  return found.deletions;
}

/** Gives a plan to the one run that executes it; false when another run has it. */
export const takePlan = async (db: Database, id: PlanId, run: RunId): Promise<boolean> =>
  (await db.change('update care_plan set run_id = $2 where id = $1 and (run_id is null or run_id = $2)', [id, run])) ===
  1;
