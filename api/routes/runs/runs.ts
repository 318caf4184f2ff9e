import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import { getResource } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import {
  addRunEvents,
  getRun,
  listRuns,
  moveRun,
  runEventShape,
  runEventsAfter,
  runShape,
} from '#catalog/runs/runs.ts';
import { findTransfer, transferShape } from '#catalog/transfers.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { isFinal } from '#core/run/run-state.ts';
import { progressShape, runStateShape } from '#core/settings/shape/progress.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import { runWorkflowId } from '#workflows/contract.ts';
import type { Context } from '#api/context.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { backupBodies, commonOfRun, startBackup } from '#api/starts/start-backup.ts';
import { startRun } from '#api/starts/start-run.ts';
import { withNames } from '#api/http/with-names.ts';
import type { LiveRun } from '#api/temporal/temporal.ts';
import { followLog } from './run-log-stream.ts';
import { listOf, listShape, nameOf, pageQuery, pageRequestOf, wholeList } from '#api/routes/words.ts';

export const runAnswer = runShape.meta({ id: 'Run' });
const keptAnswer = transferShape.pick({ placed: true, kept: true });
const liveAnswer = z
  .object({
    run: runAnswer,
    phase: z.string().exactOptional(),
    detail: z.string().exactOptional(),
    progress: progressShape.exactOptional(),
    attempt: countShape.exactOptional(),
    temporalUrl: z.string().exactOptional(),
    transfer: keptAnswer
      .meta({
        description: 'what a recovery or logical restore put into a live instance, and what became of what it replaced',
      })
      .exactOptional(),
  })
  .meta({ id: 'LiveRun' });
export const runParams = z.object({ run: idShape('run') });
export const noOpBody = z.object({
  ...commonOfRun,
  kind: z.literal('no-op'),
  host: z.string(),
  seconds: z.number().int().min(0).max(86_400).default(0),
});
const runBody = z.discriminatedUnion('kind', [...backupBodies, noOpBody]);
type NoOpBody = z.output<typeof noOpBody>;

export const runRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/runs',
    title: 'Start a full, incremental or log backup or a no-op run now (K-048)',
    access: { permission: 'run-backups' },
    status: 202,
    body: runBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const run =
        body.kind === 'no-op' ? await startNoOp(context, body, caller) : await startBackup(context, body, caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  ...readingRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/runs/{run}/cancel',
    title: 'Cancel a run; it ends cancelled when its agent has cleaned up',
    access: { permission: 'run-backups' },
    status: 202,
    params: runParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => ({ answer: await cancel(context, await openRun(context, params), caller) }),
  }),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/runs',
    title: 'Runs, newest first',
    access: { permission: 'read' },
    status: 200,
    query: z.object({ ...pageQuery, state: runStateShape.optional(), resource: z.string().optional() }),
    answer: listShape(runAnswer),
    serve: async ({ query }) => {
      const filter = {
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.resource === undefined
          ? {}
          : { resourceId: (await getResource(context.catalog, query.resource)).id }),
      };
      return listOf(await listRuns(context.catalog, pageRequestOf(query), filter));
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/runs/{run}',
    title: 'One run with its phase, progress and link to Temporal Web',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    answer: liveAnswer,
    serve: async ({ params }) => {
      const run = await getRun(context.catalog, params.run);
      const live = isFinal(run.state) ? {} : await liveOrNothing(context, run);
      const swapped = await findTransfer(context.catalog, run.id);
      const transfer = swapped === undefined ? {} : { transfer: { placed: swapped.placed, kept: swapped.kept } };
      return { answer: { run, ...live, ...linkOf(context, run), ...transfer } };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/runs/{run}/logs',
    title: 'Log of a run after a line number; as text/event-stream it is followed until the run ends',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    answer: listShape(runEventShape.meta({ id: 'RunEvent' })),
    serve: async ({ params, query }) => {
      await getRun(context.catalog, params.run);
      return wholeList(await runEventsAfter(context.catalog, params.run, query.after, query.limit));
    },
    stream: async ({ params, query }, request, response) => {
      const run = await getRun(context.catalog, params.run);
      await followLog(context.catalog, { run: run.id, after: query.after }, request, response);
    },
  }),
];

/** Progress is a courtesy: when Temporal is away, the catalog still says what the run is. */
async function liveOrNothing(context: Context, run: RunRow): Promise<LiveRun> {
  try {
    const live = await context.runs.live(run.id);
    return live.detail === undefined ? live : { ...live, detail: withNames(live.detail, run) };
  } catch (cause) {
    if (cause instanceof HoldfastError) return { detail: cause.message };
    throw cause;
  }
}

function linkOf({ temporalWeb }: Context, run: RunRow): { temporalUrl?: string } {
  if (temporalWeb === undefined) return {};
  const { url, namespace } = temporalWeb;
  return {
    temporalUrl: `${url}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(runWorkflowId(run.id))}`,
  };
}

/** Throws `run_finished`. */
export async function openRun(context: Context, params: z.output<typeof runParams>): Promise<RunRow> {
  const run = await getRun(context.catalog, params.run);
  if (isFinal(run.state)) throw fail('run_finished', { run: run.id, state: run.state });
  return run;
}

async function cancel(context: Context, run: RunRow, caller: Caller): Promise<RunRow> {
  await addRunEvents(context.catalog, run.id, [{ level: 'info', message: `${nameOf(caller)} asked to cancel` }]);
  try {
    await context.runs.cancel(run.id);
  } catch (cause) {
    // Why: a run that never reached Temporal has nobody who could close it.
    if (!(cause instanceof HoldfastError) || cause.code !== 'run_finished' || run.state !== 'queued') throw cause;
    const { code, params, message } = fail('cancelled', { what: run.id });
    await moveRun(context.catalog, run.id, 'cancelled', { state: 'cancelled', code, params, message });
  }
  return getRun(context.catalog, run.id);
}

export async function prepareNoOp({ catalog }: Context, { host: named, ...rest }: NoOpBody) {
  return { ...rest, hostId: (await getHost(catalog, named)).id };
}

async function startNoOp(context: Context, body: NoOpBody, caller: Caller): Promise<RunRow> {
  const host = await getHost(context.catalog, body.host);
  const spec = await prepareNoOp(context, body);
  return startRun(context, { spec, hostId: host.id, name: `no-op on ${host.name}`, startedBy: nameOf(caller) });
}
