import { z } from 'zod';
import { demandLogicalUsable } from '#catalog/logical-sets.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { channelsField } from '#core/settings/backup-options.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { demandConsent, demandDatabases, refuseParts, taskOf, transferSteps } from '#core/transfer/choice.ts';
import { isReplacing } from '#core/transfer/task.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { demandNamesOfSet } from '#api/starts/demand-names.ts';
import { demandReach, startRun } from '#api/starts/start-run.ts';
import { transferBody } from './database-recovery.ts';
import { demandLogin, hostOfResource } from '#api/routes/resources.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

export const logicalRestoreBody = z.object({
  set: idShape('set'),
  ...transferBody,
  channels: channelsField.default(1),
  limits: rateLimitsShape.default({}),
});
type RestoreBody = z.output<typeof logicalRestoreBody>;

const planAnswer = z
  .object({
    hostId: idShape('host'),
    poolId: idShape('pool'),
    /** The name that must be typed; absent: nothing live is replaced. */
    consent: z.string().optional(),
    steps: z.array(z.string()),
  })
  .meta({ id: 'PlannedLogicalRestore' });

/** Databases and tables of a logical set, into the same or another instance (K-090, K-101, K-102, K-108). */
export const logicalRestoreRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/logical-restores/plan',
    title: 'Plan a logical restore without touching anything',
    access: { permission: 'run-restores' },
    status: 200,
    body: logicalRestoreBody,
    answer: planAnswer,
    serve: async ({ body }) => {
      const { task, hostId, poolId, into } = await prepare(context, body);
      const consent = isReplacing(task) ? { consent: into.name } : {};
      return { answer: { hostId, poolId, ...consent, steps: [...transferSteps(task, [], into.name)] } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/logical-restores',
    title: 'Restore databases or tables of a logical set into a live instance',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    body: logicalRestoreBody,
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const { spec, hostId, into } = await prepareLogicalRestore(context, body);
      const name = `logical restore into ${into.name}`;
      const run = await startRun(context, { spec, hostId, resourceId: into.id, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

/** What a logical restore would do. Throws what `prepare` throws, and when the consent is missing. */
export async function prepareLogicalRestore(context: Context, body: RestoreBody) {
  const { task, hostId, poolId, into } = await prepare(context, body);
  demandConsent(task, into.name, body.consent);
  const { set: setId, channels, limits, reconnectMinutes, hooks } = body;
  const spec: JobSpecOf<'logical-restore'> = {
    ...{ kind: 'logical-restore', hostId, poolId, setId, resourceId: into.id, task, channels, limits },
    ...{ reconnectMinutes, whenBusy: 'refuse' },
    ...(hooks === undefined ? {} : { hooks }),
  };
  return { spec, hostId, into };
}

/** Throws what is wrong with the choice, `logical_set_unknown`, `pool_out_of_reach`, `resource_not_logged_in`, `transfer_database_unknown`, `transfer_schema_unknown`, `transfer_table_unknown`, `transfer_part_over_…`. */
async function prepare(context: Context, body: RestoreBody) {
  const task = taskOf(body);
  const { poolId, resourceId, summary } = await demandLogicalUsable(context.catalog, body.set);
  const into = await getResource(context.catalog, body.into ?? resourceId);
  const hostId = hostOfResource(into);
  demandLogin(into);
  demandReach(await getPool(context.catalog, poolId), hostId);
  demandDatabases(
    task,
    summary.databases.map(({ name }) => name),
  );
  await demandNamesOfSet(context, { task, hostId, poolId, setId: body.set });
  refuseParts(task, summary);
  return { task, hostId, poolId, into };
}
