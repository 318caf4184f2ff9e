import { z } from 'zod';
import { setsOfDatabase } from '#catalog/backup-sets.ts';
import { getHost } from '#catalog/hosts.ts';
import { poolsWithDatabase } from '#catalog/log-batches.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { soundBatchesOf } from '#catalog/pools/verification.ts';
import type { PlaceQuestion } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId } from '#core/id.ts';
import type { LogRestorePlan } from '#core/log/log-restore-plan.ts';
import { planLogRestore } from '#core/log/plan-log-restore.ts';
import { reconnectField } from '#core/settings/backup-options.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { logBoundShape, logRestorePlanShape } from '#core/settings/shape/log-restore.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { countShape, idShape, pathShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { lookAt } from '#api/pools/look-at-place.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { demandReach, startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

export const logRestoreBody = z.object({
  resource: z.string(),
  /** Absent: where the log begins that a restore of `setId` needs. */
  from: logBoundShape.exactOptional(),
  setId: idShape('set').exactOptional(),
  /** Absent: to the end of the log. */
  to: logBoundShape.exactOptional(),
  timeline: countShape.exactOptional(),
  directory: pathShape.meta({ description: 'Empty or absent directory on the host' }),
  /** Default: the host of the resource when it reaches the pool, else one that does. */
  host: z.string().exactOptional(),
  pool: z.string().exactOptional(),
  limits: rateLimitsShape.default({}),
  reconnectMinutes: reconnectField.default(10),
});
type LogRestoreBody = z.output<typeof logRestoreBody>;

const logPlanAnswer = z
  .object({
    ...{ plan: logRestorePlanShape, directory: pathShape, hostId: idShape('host'), poolId: idShape('pool') },
    /** What the agent found at the directory. */
    findings: z.array(findingShape),
  })
  .meta({ id: 'PlannedLogRestore' });

/** Log of a range of time into a directory; nothing is recovered (K-091, K-103, K-104, K-109). */
export const logRestoreRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/log-restores/plan',
    title:
      'Which log a log restore would fetch, what of the range is missing, and what stands at the directory; touches nothing',
    access: { permission: 'run-restores' },
    status: 200,
    body: logRestoreBody,
    answer: logPlanAnswer,
    serve: async ({ body }) => {
      const { plan, pool, hostId } = await planFor(context, body);
      const findings = await lookAt(context, questionOf(plan, body.directory), hostId);
      return { answer: { plan, directory: body.directory, hostId, poolId: pool.id, findings } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/log-restores',
    title: 'Fetch the log of a range into an empty directory; nothing is recovered (K-091)',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    body: logRestoreBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const { spec, hostId, resource } = await prepareLogRestore(context, body);
      const name = `log of ${resource.name}`;
      const run = await startRun(context, { spec, hostId, resourceId: resource.id, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

const questionOf = ({ rawBytes, systemId }: LogRestorePlan, directory: string): PlaceQuestion => ({
  ...{ kind: 'place', isCopy: true, isOfLog: true, directory, tablespaces: [], bytes: rawBytes, systemId },
});

/** What a log restore would fetch, planned now. Throws what the planner refuses. */
export async function prepareLogRestore(context: Context, body: LogRestoreBody) {
  const { plan, pool, hostId, resource } = await planFor(context, body);
  const { directory, limits, reconnectMinutes } = body;
  const common = { reconnectMinutes, whenBusy: 'refuse' as const };
  const spec = { ...common, kind: 'log-restore' as const, hostId, poolId: pool.id, directory, plan, limits };
  return { spec, hostId, resource };
}

interface Planned {
  readonly plan: LogRestorePlan;
  readonly pool: PoolRow;
  readonly hostId: HostId;
  readonly resource: ResourceRow;
}

/** From the pool that misses least of the range, the first of equals. Throws what the planner refuses in every pool. */
async function planFor(context: Context, body: LogRestoreBody): Promise<Planned> {
  const resource = await getResource(context.catalog, body.resource);
  const plans: Planned[] = [];
  let refusal: HoldfastError | undefined;
  for (const pool of await poolsFor(context, resource, body)) {
    try {
      plans.push(await planFrom(context, { resource, pool, body }));
    } catch (error) {
      if (!(error instanceof HoldfastError) || !ofPool.has(error.code)) throw error;
      refusal ??= error;
    }
  }
  const [best] = plans.sort((a, b) => a.plan.gaps.length - b.plan.gaps.length || b.plan.rawBytes - a.plan.rawBytes);
  if (best !== undefined) return best;
  throw refusal ?? fail('log_range_empty', { resource: resource.name, known: 'none' });
}

/** Another pool may still hold the log. */
const ofPool = new Set<string>(['log_range_empty', 'timeline_unknown', 'restore_set_unknown', 'pool_out_of_reach']);

async function poolsFor({ catalog }: Context, resource: ResourceRow, { pool }: LogRestoreBody): Promise<PoolRow[]> {
  if (pool !== undefined) return [await getPool(catalog, pool)];
  const ids = await poolsWithDatabase(catalog, resource.systemId);
  return Promise.all(ids.map((id) => getPool(catalog, id)));
}

interface PoolQuestion {
  readonly resource: ResourceRow;
  readonly pool: PoolRow;
  readonly body: LogRestoreBody;
}

async function planFrom(context: Context, { resource, pool, body }: PoolQuestion): Promise<Planned> {
  const { catalog } = context;
  const { systemId, id: owner, name, engine, hostId: own } = resource;
  const hostId = body.host === undefined ? (own ?? maintainerOf(pool)) : (await getHost(catalog, body.host)).id;
  demandReach(pool, hostId);
  const sets = (await setsOfDatabase(catalog, systemId))
    .filter(({ poolId }) => poolId === pool.id)
    .map(({ summary }) => summary);
  const log = { sets, batches: await soundBatchesOf(catalog, systemId, pool.id), owner };
  const { from, to, setId, timeline } = body;
  const plan = planLogRestore({ log, resource: { id: owner, name, engine }, from, to, setId, timeline });
  return { plan, pool, hostId, resource };
}
