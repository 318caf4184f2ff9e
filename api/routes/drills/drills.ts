import { z } from 'zod';
import { drillRowShape, getDrill, getReport, listDrills } from '#catalog/drills/drills.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { afterwardsWords } from '#core/drill/drill-target.ts';
import { reportPage } from '#core/drill/report-page.ts';
import { channelsField, reconnectField } from '#core/settings/backup-options.ts';
import { hooksShape } from '#core/settings/hooks.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { drillChecksShape, drillReportShape, signedReportShape } from '#core/settings/shape/drill.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { demandFreeTarget, targetOfDrill } from '#api/drill-targets.ts';
import { planOfDrill } from '#api/starts/drill-plan.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { startRun } from '#api/starts/start-run.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { listShape, nameOf, wholeList } from '#api/routes/words.ts';

export const drillBody = z.object({
  resource: z.string(),
  /** Default: the host of the resource. */
  host: z.string().exactOptional(),
  /** Default: the pool with the newest set, at each run anew. */
  pool: z.string().exactOptional(),
  /** A marked instance that is replaced, on its own host; a scratch instance when absent. */
  target: z.string().exactOptional(),
  /** What becomes of the target when the drill was told of. */
  afterwards: z.enum(afterwardsWords).default('close'),
  checks: drillChecksShape.prefault({}),
  channels: channelsField.default(1),
  limits: rateLimitsShape.default({}),
  reconnectMinutes: reconnectField.default(10),
  hooks: hooksShape.exactOptional(),
});
type DrillBody = z.output<typeof drillBody>;

const drillAnswer = drillRowShape.meta({ id: 'Drill' });
const runParams = z.object({ run: idShape('run') });

/** What a drill would do. The set is chosen when a run begins; that there is one is looked at now. Throws what planning refuses. */
export async function prepareDrill(context: Context, body: DrillBody) {
  await context.reportSigner();
  const source = await getResource(context.catalog, body.resource);
  const { target: named, afterwards } = body;
  const taken = named === undefined ? undefined : await targetOfDrill(context, source, { target: named, afterwards });
  const asked = { sourceId: source.id, hostId: taken?.hostId ?? body.host, poolId: body.pool };
  const { spec: restore, hostId, resource } = await planOfDrill(context, asked);
  const { checks, channels, limits, reconnectMinutes, hooks } = body;
  const spec: JobSpecOf<'drill'> = {
    ...{ kind: 'drill', hostId, sourceId: resource.id, checks, channels, limits },
    // Why not the pool that has it now: a job would prove that one for ever, wherever the backups go.
    ...(body.pool === undefined ? {} : { poolId: restore.poolId }),
    ...{ reconnectMinutes, whenBusy: 'refuse' },
    ...(taken === undefined ? {} : { target: taken.target }),
    ...(hooks === undefined ? {} : { hooks }),
  };
  return { spec, hostId, resource };
}

/** Drills: proof that a resource can be brought back (K-092, K-105). */
export const drillRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/drills',
    title: 'Restore the newest set and all log to a scratch instance, check it, sign a report, remove it',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    body: drillBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const { spec, hostId, resource } = await prepareDrill(context, body);
      await demandFreeTarget(context, spec.target);
      const name = `drill of ${resource.name}`;
      const run = await startRun(context, { spec, hostId, resourceId: resource.id, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/drills/${run.id}` };
    },
  }),
  ...readingRoutes(context),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/drills',
    title: 'Drills, newest first, with their reports',
    access: { permission: 'read' },
    status: 200,
    query: z.object({ resource: z.string().optional(), limit: z.coerce.number().int().min(1).max(200).default(50) }),
    answer: listShape(drillAnswer),
    serve: async ({ query: { resource, limit } }) => {
      const id = resource === undefined ? undefined : (await getResource(context.catalog, resource)).id;
      return wholeList(await listDrills(context.catalog, id, limit));
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/drills/public-key',
    title: 'Public key (PEM) that reports of drills are signed with',
    access: { permission: 'read' },
    status: 200,
    answer: z.object({ publicKey: z.string() }),
    serve: async () => ({ answer: { publicKey: (await context.reportSigner()).publicKey } }),
  }),
  route({
    method: 'get',
    path: '/api/v1/drills/{run}',
    title: 'One drill',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    answer: drillAnswer,
    serve: async ({ params }) => ({ answer: await getDrill(context.catalog, params.run) }),
  }),
  route({
    method: 'get',
    path: '/api/v1/drills/{run}/report',
    title: 'Signed report of a drill',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    answer: signedReportShape.meta({ id: 'SignedDrillReport' }),
    serve: async ({ params }) => ({ answer: await getReport(context.catalog, params.run) }),
  }),
  route({
    method: 'get',
    path: '/api/v1/drills/{run}/report.html',
    title: 'Report of a drill as a page that can be printed',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    contentType: 'text/html; charset=utf-8',
    answer: z.string(),
    serve: async ({ params }) => {
      const signed = await getReport(context.catalog, params.run);
      return { answer: reportPage(drillReportShape.parse(JSON.parse(signed.text)), signed) };
    },
  }),
];
