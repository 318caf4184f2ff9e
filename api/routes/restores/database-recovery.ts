import { z } from 'zod';
import { getResource } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import type { TransferRow } from '#catalog/transfers.ts';
import { getKept, getUndone, listTransfers, transferShape } from '#catalog/transfers.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import { channelsField, reconnectField, resumeBufferField } from '#core/settings/backup-options.ts';
import { hooksShape } from '#core/settings/hooks.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { restorePlanShape, restoreTargetShape } from '#core/settings/restore-options.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { sqlNameShape } from '#core/settings/shape/logical.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import { demandConsent, demandTyped, taskOf, transferSteps } from '#core/transfer/choice.ts';
import { keptText, undoneText } from '#core/transfer/kept.ts';
import type { SettleVerb } from '#core/transfer/task.ts';
import { isReplacing } from '#core/transfer/task.ts';
import type { Context } from '#api/context.ts';
import { lookAtScratch } from '#api/pools/look-at-place.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { demandListedNames } from '#api/starts/demand-names.ts';
import { startRun } from '#api/starts/start-run.ts';
import { demandLogin, hostOfResource } from '#api/routes/resources.ts';
import type { PlannedRestore } from './restores.ts';
import { planFor, restoreBody } from './restores.ts';
import { runAnswer, runParams } from '#api/routes/runs/runs.ts';
import { listOf, listShape, nameOf, pageQuery, pageRequestOf } from '#api/routes/words.ts';

/** What a transfer into a live instance is asked for with, wherever the data comes from. */
export const transferBody = {
  databases: z.array(sqlNameShape).max(200).default([]),
  schemas: z
    .array(z.object({ database: sqlNameShape, schema: sqlNameShape }))
    .max(200)
    .default([])
    .meta({ description: 'whole schemas of one database' }),
  tables: z
    .array(z.object({ database: sqlNameShape, schema: sqlNameShape, table: sqlNameShape }))
    .max(1000)
    .default([])
    .meta({ description: 'tables of one database; a partitioned table stands for all its partitions' }),
  as: sqlNameShape
    .meta({ description: 'new name of the one thing that was chosen; absent: it replaces what is live' })
    .exactOptional(),
  into: z.string().meta({ description: 'resource that gets it; the source itself when absent' }).exactOptional(),
  consent: z
    .string()
    .max(200)
    .meta({ description: 'name of the resource that gets it, typed, when something live is replaced' })
    .exactOptional(),
  endsSessions: z.boolean().default(false).meta({ description: 'end sessions in a database that is replaced' }),
  dropsOld: z.boolean().default(false).meta({ description: 'drop what was replaced at once' }),
  reconnectMinutes: reconnectField.default(10),
  hooks: hooksShape.exactOptional(),
};

export const recoveryBody = z.object({
  resource: z.string(),
  target: restoreTargetShape,
  ...transferBody,
  pool: z.string().exactOptional(),
  setId: idShape('set').exactOptional(),
  timeline: countShape.exactOptional(),
  channels: channelsField.default(1),
  limits: rateLimitsShape.default({}),
  resumeBufferBytes: resumeBufferField.exactOptional(),
  isUnlisted: z
    .boolean()
    .default(false)
    .meta({ description: 'what is wanted was made after the set and is dropped by now: only the log can have it' }),
});
type RecoveryBody = z.output<typeof recoveryBody>;

const planAnswer = z
  .object({
    plan: restorePlanShape,
    hostId: idShape('host'),
    poolId: idShape('pool'),
    /** The name that must be typed; absent: nothing live is replaced. */
    consent: z.string().optional(),
    steps: z.array(z.string()),
    findings: z
      .array(findingShape)
      .meta({ description: 'whether there is room for the scratch instance, looked at just now' }),
  })
  .meta({ id: 'PlannedDatabaseRecovery' });

const settleBody = z.object({
  endsSessions: z.boolean().default(false),
  reconnectMinutes: reconnectField.default(10),
});

const discardBody = settleBody.extend({
  consent: z
    .string()
    .max(200)
    .meta({ description: 'name of the resource, typed: what was set aside is dropped for good' })
    .exactOptional(),
});

const paths = '/api/v1/database-recoveries';

/** Databases and tables to a point in time, while everything else stays as it is. */
export const databaseRecoveryRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: `${paths}/plan`,
    title: 'Plan the recovery of databases or tables without touching anything',
    access: { permission: 'run-restores' },
    status: 200,
    body: recoveryBody,
    answer: planAnswer,
    serve: async ({ body }) => {
      const { task, planned, into } = await prepare(context, body);
      const { hostId, pool } = planned;
      const { plan, findings } = await lookAtScratch(context, planned.plan, hostId);
      const consent = isReplacing(task) ? { consent: into.name } : {};
      const steps = [...transferSteps(task, plan.steps, into.name)];
      return { answer: { plan, hostId, poolId: pool.id, ...consent, steps, findings: [...findings] } };
    },
  }),
  route({
    method: 'post',
    path: paths,
    title: 'Recover databases or tables to a point in time and put them into a live instance',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    body: recoveryBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const { spec, hostId, into, resource } = await prepareRecovery(context, body);
      const name = `recovery of databases of ${resource.name}`;
      const run = await startRun(context, { spec, hostId, resourceId: into.id, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  route({
    method: 'get',
    path: paths,
    title: 'Recoveries and logical restores, and what became of what they replaced',
    access: { permission: 'read' },
    status: 200,
    query: z.object(pageQuery),
    answer: listShape(transferShape).meta({ id: 'TransferList' }),
    serve: async ({ query }) => listOf(await listTransfers(context.catalog, pageRequestOf(query))),
  }),
  settleRoute(context, 'confirm', 'Drop what a recovery or logical restore replaced and kept'),
  settleRoute(context, 'undo', 'Put back what a recovery or logical restore replaced; what it made is set aside'),
  ...discardRoutes(context),
];

const discardRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: `${paths}/{run}/discard`,
    title: 'What a discard would drop: what an undo of the run set aside',
    access: { permission: 'read' },
    status: 200,
    params: runParams,
    answer: z
      .object({ drops: z.array(z.string()), consent: z.string(), steps: z.array(z.string()) })
      .meta({ id: 'PlannedDiscard' }),
    serve: async ({ params }) => {
      const { placed, resourceId } = await getUndone(context.catalog, params.run);
      const { name: consent } = await getResource(context.catalog, resourceId);
      const drops = placed.filter((one) => keptText(one) !== undefined).map((one) => undoneText(one, params.run));
      const steps = [
        `Look on ${consent} whether these are what the run made, by their oids, and what depends on them`,
        ...drops.map((one) => `Drop ${one} for good`),
      ];
      return { answer: { drops, consent, steps } };
    },
  }),
  route({
    method: 'post',
    path: `${paths}/{run}/discard`,
    title: 'Drop what an undo set aside',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    params: runParams,
    body: discardBody,
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const { resourceId, ...row } = await getUndone(context.catalog, params.run);
      const { name: resource } = await getResource(context.catalog, resourceId);
      demandTyped(body.consent, resource, `What was set aside on ${resource} is dropped for good`);
      const run = await startSettling(context, { ...row, resourceId }, { does: 'discard', body, by: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

const settleRoute = (context: Context, does: 'confirm' | 'undo', title: string): Route =>
  route({
    method: 'post',
    path: `${paths}/{run}/${does}`,
    title,
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    params: runParams,
    body: settleBody,
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const row = await getKept(context.catalog, params.run);
      const run = await startSettling(context, row, { does, body, by: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  });

interface Settling {
  readonly does: SettleVerb;
  readonly body: z.output<typeof settleBody>;
  readonly by: string;
}

async function startSettling(context: Context, row: TransferRow, { does, body, by }: Settling): Promise<RunRow> {
  const { id, placed, resourceId } = row;
  const hostId = hostOfResource(await getResource(context.catalog, resourceId));
  const spec: JobSpecOf<'settle-transfer'> = {
    ...{ kind: 'settle-transfer', hostId, resourceId, reconnectMinutes: body.reconnectMinutes },
    ...{ whenBusy: 'refuse', task: { does, of: id, placed, endsSessions: body.endsSessions } },
  };
  return startRun(context, { spec, hostId, resourceId, name: `${does} ${id}`, startedBy: by });
}

/** What a recovery would do, planned now. Throws what planning refuses, and when the consent is missing. */
export async function prepareRecovery(context: Context, body: RecoveryBody) {
  const { task, planned, into } = await prepare(context, body);
  demandConsent(task, into.name, body.consent);
  const { plan, hostId, pool, resource } = planned;
  const { channels, limits, resumeBufferBytes, reconnectMinutes, hooks } = body;
  const spec: JobSpecOf<'database-recovery'> = {
    ...{ kind: 'database-recovery', hostId, poolId: pool.id, sourceId: resource.id, resourceId: into.id, plan, task },
    ...{ channels, limits, reconnectMinutes, whenBusy: 'refuse' },
    ...(resumeBufferBytes === undefined ? {} : { resumeBufferBytes }),
    ...(hooks === undefined ? {} : { hooks }),
  };
  return { spec, hostId, into, resource };
}

/** Planned as a restore to a scratch instance on the host that gets the data. Throws what planning refuses, and `recovery_name_unlisted`. */
async function prepare(context: Context, body: RecoveryBody) {
  const task = taskOf(body);
  const into = await getResource(context.catalog, body.into ?? body.resource);
  const host = hostOfResource(into);
  demandLogin(into);
  const { resource, target, pool, setId, timeline } = body;
  const place = { kind: 'copy' as const, directory: scratchPlace.directory };
  const asked = restoreBody.parse({ resource, target, place, host, pool, setId, timeline });
  const planned: PlannedRestore = await planFor(context, asked);
  const { hostId, pool: from, resource: source, plan } = planned;
  if (!body.isUnlisted) await demandListedNames(context, { task, hostId, poolId: from.id, setId: plan.setId, source });
  return { task, planned, into };
}
