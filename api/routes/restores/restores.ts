import { z } from 'zod';
import { getSet, setsOfDatabase } from '#catalog/backup-sets.ts';
import { getHost } from '#catalog/hosts.ts';
import { poolsWithDatabase } from '#catalog/log-batches.ts';
import { soundBatchesOf } from '#catalog/pools/verification.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { CommittedLog } from '#core/log/branches.ts';
import { branchesOf, currentBranch } from '#core/log/branches.ts';
import { planRestore } from '#core/restore/plan/plan-restore.ts';
import type { RestorePlace, RestorePlan } from '#core/restore/plan/plan.ts';
import { consentFor } from '#core/restore/plan/ways.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { withSharedBranches } from '#core/restore/shared-branches.ts';
import { reconnectField } from '#core/settings/backup-options.ts';
import { hooksShape } from '#core/settings/hooks.ts';
import { restoreOptionsShape, restorePlanShape, restoreTargetShape } from '#core/settings/restore-options.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { countShape, idShape, pathShape } from '#core/settings/shape/words.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import type { Context } from '#api/context.ts';
import { lookAtPlace } from '#api/pools/look-at-place.ts';
import { demandOfPool, demandRefusal, nearestRefusal } from '#api/starts/nearest-refusal.ts';
import { tellOtherPools } from '#api/starts/other-pools.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { demandReach, startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { hostOfResource } from '#api/routes/resources.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

const placeBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('copy'), directory: pathShape, port: z.number().int().min(1).max(65535).exactOptional() }),
  z.object({
    kind: z.literal('in-place'),
    consent: z
      .string()
      .max(200)
      .meta({ description: 'The name of the resource, typed; a plan that is only shown needs none' })
      .exactOptional(),
  }),
]);

export const restoreBody = z.object({
  resource: z.string(),
  target: restoreTargetShape,
  place: placeBody,
  /** Host of a copy: the resource's own when absent, then the pool's. */
  host: z.string().optional(),
  pool: z.string().optional(),
  setId: idShape('set').optional(),
  timeline: countShape.optional(),
  options: restoreOptionsShape.prefault({}),
  reconnectMinutes: reconnectField.default(10),
  hooks: hooksShape.exactOptional(),
});
export type RestoreBody = z.output<typeof restoreBody>;

const planAnswer = z
  .object({
    plan: restorePlanShape,
    hostId: idShape('host'),
    poolId: idShape('pool'),
    resourceId: idShape('res'),
    /** What the agent found at the place of the plan. */
    findings: z.array(findingShape),
  })
  .meta({ id: 'PlannedRestore' });

export const restoreRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/restores/plan',
    title: 'Plan a restore without touching anything (K-089, K-095…K-098)',
    access: { permission: 'run-restores' },
    status: 200,
    body: restoreBody,
    answer: planAnswer,
    serve: async ({ body }) => {
      const { plan, hostId, pool, resource } = await planFor(context, body);
      const findings = await lookAtPlace(context, plan, hostId);
      const shown = { ...plan, place: asGiven(plan.place, body) };
      return { answer: { plan: shown, hostId, poolId: pool.id, resourceId: resource.id, findings } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/restores',
    title: 'Plan a restore and execute exactly that plan',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    body: restoreBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const { spec, hostId, resource } = await prepareRestore(context, body);
      const name = `restore of ${resource.name}`;
      const run = await startRun(context, { spec, hostId, resourceId: resource.id, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

/** What a restore would do, planned now. Throws `consent_missing` and what planning refuses. */
export async function prepareRestore(context: Context, body: RestoreBody) {
  demandConsent(body);
  const { plan, hostId, pool, resource } = await planFor(context, body);
  const { channels, limits, resumeBufferBytes } = body.options;
  const spec = {
    ...{ kind: 'restore' as const, reconnectMinutes: body.reconnectMinutes, whenBusy: 'refuse' as const },
    ...(body.hooks === undefined ? {} : { hooks: body.hooks }),
    ...{ hostId, poolId: pool.id, sourceId: resource.id, plan, channels, limits },
    ...(resumeBufferBytes === undefined ? {} : { resumeBufferBytes }),
  };
  return { spec, hostId, resource };
}

/** A restore that was planned, not begun. */
export interface PlannedRestore {
  readonly plan: RestorePlan;
  readonly hostId: HostId;
  readonly pool: PoolRow;
  readonly resource: ResourceRow;
}

/**
 * Plans from the first pool that reaches the point; the latest point and a restore point are looked for in every pool.
 * Else throws the refusal that names the nearest point of all pools, or what leads there from several of them (`tellOtherPools`).
 */
export async function planFor(context: Context, asked: RestoreBody): Promise<PlannedRestore> {
  const resource = await getResource(context.catalog, asked.resource);
  const found = await logsFor(context, resource, asked);
  const body = onCurrentTimeline(asked, found);
  const logs = withCurrentBranch(asked, found);
  const notRead = await logNotRead(context, resource, found);
  const refusals: HoldfastError[] = [];
  const plans: PlannedRestore[] = [];
  for (const one of logs) {
    try {
      const elsewhere = [...logs.filter((each) => each !== one).flatMap(({ log }) => log.batches), ...notRead];
      const isTimelineFound = asked.timeline === undefined;
      plans.push(await planFrom(context, { resource, body, elsewhere, isTimelineFound, ...one }));
      if (!isSoughtEverywhere(body)) break;
    } catch (error) {
      // Behind a plan only what follows from the request itself still counts, not what is wrong in one more pool.
      refusals.push(plans.length === 0 ? demandRefusal(error, body.target) : demandOfPool(error));
    }
  }
  const best = furthest(plans, body, resource.name);
  if (best !== undefined) return demandAllKnown(best, body);
  const refusal = nearestRefusal(refusals) ?? fail('no_set_to_restore', { resource: resource.name });
  throw await tellOtherPools(context.catalog, { resource, request: requestOf(resource, body), refusal });
}

interface PoolLog {
  readonly pool: PoolRow;
  readonly log: CommittedLog;
}

/** What each pool holds. The branches of the resource itself come first: copies of it write into the same pools. */
async function logsFor(context: Context, resource: ResourceRow, body: RestoreBody): Promise<PoolLog[]> {
  const { catalog } = context;
  const { systemId, id: owner } = resource;
  const all = await setsOfDatabase(catalog, systemId);
  const pools = await poolsFor(context, resource, body);
  return Promise.all(
    pools.map(async (pool) => {
      const sets = all.filter((row) => row.poolId === pool.id).map((row) => row.summary);
      return { pool, log: { sets, batches: await soundBatchesOf(catalog, systemId, pool.id), owner } };
    }),
  );
}

/** What pools hold that are not planned from, as they have no set or another one was named: nothing known is given up in silence. */
async function logNotRead(
  { catalog }: Context,
  { systemId }: ResourceRow,
  found: readonly PoolLog[],
): Promise<readonly BatchSummary[]> {
  const read = new Set(found.map(({ pool }) => pool.id));
  const others = (await poolsWithDatabase(catalog, systemId)).filter((id) => !read.has(id));
  return (await Promise.all(others.map((id) => soundBatchesOf(catalog, systemId, id)))).flat();
}

const isSoughtEverywhere = ({ target }: RestoreBody): boolean => target.at === 'latest' || target.at === 'name';

/** The latest point lies on one timeline, whichever pools know of it: none of them may end on an abandoned one. */
function onCurrentTimeline(body: RestoreBody, logs: readonly PoolLog[]): RestoreBody {
  if (body.target.at !== 'latest' || body.timeline !== undefined || logs.length < 2) return body;
  const [first] = logs;
  const union: CommittedLog = {
    sets: logs.flatMap(({ log }) => log.sets),
    batches: logs.flatMap(({ log }) => log.batches),
  };
  const timeline = currentBranch(branchesOf(union), first?.log.owner)?.timeline;
  return timeline === undefined ? body : { ...body, timeline };
}

/**
 * A point that stands still is looked for on the branch that is written now, whichever pool knows of it: up to its fork a pool
 * that knows only the branch before leads there as well. An operator who names the timeline is taken at their word.
 */
function withCurrentBranch({ target, timeline }: RestoreBody, pools: readonly PoolLog[]): readonly PoolLog[] {
  if (timeline !== undefined || target.at === 'latest' || target.at === 'immediate') return pools;
  const all = pools.map(({ log }) => log);
  return pools.map(({ pool, log }) => ({ pool, log: withSharedBranches(log, all) }));
}

/** Of several plans the one that gets furthest, the first of equals. Throws `name_ambiguous` when a name is several points. */
function furthest(
  plans: readonly PlannedRestore[],
  { target }: RestoreBody,
  resource: string,
): PlannedRestore | undefined {
  const points = [...new Set(plans.map(({ plan }) => plan.mustReach))].sort(compareLsn);
  if (target.at === 'name' && points.length > 1) {
    const text = points.map((lsn) => `LSN ${lsn}`).join('; ');
    throw fail('name_ambiguous', { name: target.name, resource, points: text });
  }
  return plans.find(({ plan }) => plan.mustReach === points[points.length - 1]);
}

/**
 * In place, what is written over is gone: a latest point that leaves known log behind is refused unless the set was named. Whoever
 * accepts its end names that, as a time or an LSN. Throws `latest_incomplete`.
 */
function demandAllKnown(planned: PlannedRestore, body: RestoreBody): PlannedRestore {
  const { givesUp, mustReach } = planned.plan;
  if (givesUp === undefined || body.place.kind !== 'in-place' || body.setId !== undefined) return planned;
  const { end, lastCommit, from, to, until } = givesUp;
  const params = { resource: planned.resource.name, lsn: mustReach, end, lastCommit, from, to, until };
  throw fail('latest_incomplete', params);
}

interface PlanQuestion extends HostQuestion {
  readonly log: CommittedLog;
  readonly elsewhere: readonly BatchSummary[];
  readonly isTimelineFound: boolean;
}

async function planFrom(
  context: Context,
  { resource, pool, body, log, elsewhere, isTimelineFound }: PlanQuestion,
): Promise<PlannedRestore> {
  const { catalog } = context;
  const hostId = await hostFor(context, { resource, pool, body });
  demandReach(pool, hostId);
  const plan = planRestore({
    log,
    elsewhere,
    unusable: await unusableSets(catalog, resource.systemId, pool.id),
    isTimelineFound,
    ...requestOf(resource, body),
  });
  return { plan, hostId, pool, resource };
}

/** What is asked, of whatever pool. */
function requestOf(resource: ResourceRow, body: RestoreBody): Omit<RestoreRequest, 'log'> {
  const { isOpenedAfter, tablespaceMap, configFile, ways } = body.options;
  return {
    ...{ resourceName: resource.name, target: body.target, setId: body.setId, timeline: body.timeline },
    ...{ place: placeFor(resource, body), tablespaceMap, isOpenedAfter, configFile, ways },
  };
}

/**
 * The pool that was named, or that of the named set, or all that hold sets, that of the newest set first: set and log are
 * read from one pool.
 */
async function poolsFor({ catalog }: Context, resource: ResourceRow, body: RestoreBody): Promise<PoolRow[]> {
  if (body.pool !== undefined) return [await getPool(catalog, body.pool)];
  const setId = body.setId ?? (body.target.at === 'immediate' ? body.target.setId : undefined);
  if (setId !== undefined) return [await getPool(catalog, (await getSet(catalog, setId)).poolId)];
  const sets = await setsOfDatabase(catalog, resource.systemId);
  const newestFirst = new Set(sets.map((set) => set.poolId).reverse());
  return Promise.all([...newestFirst].map((id) => getPool(catalog, id)));
}

interface HostQuestion {
  readonly resource: ResourceRow;
  readonly pool: PoolRow;
  readonly body: RestoreBody;
}

async function hostFor({ catalog }: Context, { resource, pool, body }: HostQuestion): Promise<HostId> {
  if (body.place.kind === 'in-place') return hostOfResource(resource);
  if (body.host !== undefined) return (await getHost(catalog, body.host)).id;
  return resource.hostId ?? maintainerOf(pool);
}

/** In place the directory is the resource's own. The planner compares the consent with the name. */
function placeFor(resource: ResourceRow, { place, options }: RestoreBody): RestorePlace {
  if (place.kind === 'copy') return place;
  const { id: resourceId, dataDirectory: directory, name } = resource;
  return { kind: 'in-place', resourceId, directory, consent: place.consent ?? consentFor(name, options.ways) };
}

/** A plan that is shown carries no consent that nobody gave. */
function asGiven(planned: RestorePlace, { place }: RestoreBody): RestorePlace {
  const isConsented = planned.kind === 'copy' || (place.kind === 'in-place' && place.consent !== undefined);
  return isConsented ? planned : { ...planned, consent: '' };
}

/** Throws `consent_missing`: what is executed in place needs it. */
function demandConsent({ place, resource, options }: RestoreBody): void {
  if (place.kind !== 'in-place' || place.consent !== undefined) return;
  const isDelta = options.ways?.isDelta === true;
  const what = isDelta
    ? `A delta restore writes over the files of ${resource}, and there is no way back`
    : `A restore in place replaces resource ${resource}`;
  const consent = consentFor(resource, { isDelta });
  throw fail('consent_missing', { what, consent: isDelta ? `"${consent}"` : consent });
}
