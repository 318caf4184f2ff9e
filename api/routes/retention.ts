import { z } from 'zod';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import type { StoredPlan } from '#catalog/pools/retention.ts';
import { findPolicy, getPlan, listPolicies, policyRowShape, storePolicy } from '#catalog/pools/retention.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { demandSound } from '#core/care/policy.ts';
import { fail } from '#core/errors/fail.ts';
import { carePlanShape, retentionPolicyShape } from '#core/settings/shape/care.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { demandSameWorld, makeCarePlan } from '#api/starts/care-plan.ts';
import type { Context } from '../context.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolQueryShape, setAsked } from '#api/pools/set-in-pool.ts';
import { startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from './pools/pools.ts';
import { runAnswer } from './runs/runs.ts';
import { listShape, nameOf, wholeList } from './words.ts';

const policyRow = policyRowShape.meta({ id: 'RetentionPolicy' });
const plan = carePlanShape.meta({ id: 'CarePlan' });
const stored = z.object({ plan, runId: idShape('run').nullable() }).meta({ id: 'StoredCarePlan' });
const planParams = z.object({ plan: idShape('plan') });
const scopeBody = { resource: z.string(), pool: z.string() };

export const retentionRoutes = (context: Context): Route[] => [
  ...policyRoutes(context),
  ...planRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/care-plans/{plan}/run',
    title: 'Execute exactly the plan that was shown; refused when what it stands on has changed',
    access: { permission: 'manage-pools' },
    status: 202,
    params: planParams,
    body: z.object({ consent: z.string().max(200).optional() }).default({}),
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const run = await execute(context, await getPlan(context.catalog, params.plan), {
        consent: body.consent,
        caller,
      });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

const policyRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/retention',
    title: 'Retention policies per resource and pool; where there is none, everything is kept',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(policyRow),
    serve: async () => wholeList(await listPolicies(context.catalog)),
  }),
  route({
    method: 'post',
    path: '/api/v1/retention',
    title: 'Set the retention of a resource in a pool, or take it away; nothing is deleted by this',
    access: { permission: 'manage-pools' },
    status: 200,
    body: z.object({ ...scopeBody, policy: retentionPolicyShape.nullable() }),
    answer: listShape(policyRow),
    serve: async ({ body, caller }) => {
      const { id: resourceId } = await getResource(context.catalog, body.resource);
      const { id: poolId } = await getPool(context.catalog, body.pool);
      if (body.policy !== null) demandSound(body.policy);
      await storePolicy(context.catalog, {
        poolId,
        resourceId,
        policy: body.policy ?? undefined,
        setBy: nameOf(caller),
      });
      const row = await findPolicy(context.catalog, poolId, resourceId);
      return wholeList(row === undefined ? [] : [row]);
    },
  }),
];

const planRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/retention/plans',
    title:
      'Plan what the retention of a resource in a pool would delete, with a reason for each set and stretch of log',
    access: { permission: 'run-backups' },
    status: 201,
    body: z.object(scopeBody),
    answer: plan,
    serve: async ({ body, caller }) => {
      const resource = await getResource(context.catalog, body.resource);
      const pool = await getPool(context.catalog, body.pool);
      if ((await findPolicy(context.catalog, pool.id, resource.id)) === undefined)
        throw fail('retention_not_set', { resource: resource.name, pool: pool.name });
      const scope = { resourceId: resource.id, pool };
      const answer = await makeCarePlan(context, { scope, madeBy: nameOf(caller) });
      return { answer, location: `/api/v1/care-plans/${answer.planId}` };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/backup-sets/{set}/removal-plan',
    title: 'Plan the removal of one set with all that builds on it',
    access: { permission: 'manage-pools' },
    status: 201,
    params: z.object({ set: idShape('set') }),
    query: poolQueryShape,
    answer: plan,
    serve: async ({ params, query, caller }) => {
      const row = await setAsked(context.catalog, params.set, query);
      const scope = { resourceId: row.resourceId, pool: await getPool(context.catalog, row.poolId) };
      const answer = await makeCarePlan(context, { scope, setId: row.id, madeBy: nameOf(caller) });
      return { answer, location: `/api/v1/care-plans/${answer.planId}` };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/care-plans/{plan}',
    title: 'A plan as it was shown, and the run that executes it',
    access: { permission: 'read' },
    status: 200,
    params: planParams,
    answer: stored,
    serve: async ({ params }) => ({ answer: await getPlan(context.catalog, params.plan) }),
  }),
];

interface Execution {
  readonly consent: string | undefined;
  readonly caller: Caller;
}

/** Removal of a set by hand needs the name of its resource, typed; retention was consented when its policy was set. */
async function execute(
  context: Context,
  { plan: shown, runId }: StoredPlan,
  { consent, caller }: Execution,
): Promise<RunRow> {
  const { planId, resourceId, kind } = shown;
  if (runId !== null) throw fail('plan_outdated', { plan: planId, what: `run ${runId} executes it already` });
  const pool = await getPool(context.catalog, shown.poolId);
  const resource = await getResource(context.catalog, resourceId);
  const count = String(shown.sets.filter(({ isDeleted }) => isDeleted).length);
  if (kind === 'remove' && consent !== resource.name)
    throw fail('plan_consent', { plan: planId, count, resource: resource.name });
  await demandSameWorld(context, shown, { resourceId, pool });
  const hostId = maintainerOf(pool);
  const logOf = shown.log.some(({ isDeleted }) => isDeleted) ? { logOf: resourceId } : {};
  const care = { does: 'plan' as const, planId, ...logOf };
  const spec = {
    kind: 'care' as const,
    hostId,
    poolId: pool.id,
    care,
    reconnectMinutes: 10,
    whenBusy: 'wait' as const,
  };
  const name =
    kind === 'retention' ? `retention of ${resource.name} in ${pool.name}` : `removal of sets of ${resource.name}`;
  return startRun(context, { spec, hostId, resourceId, name, startedBy: nameOf(caller) });
}
