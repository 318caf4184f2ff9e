import { z } from 'zod';
import { demandOwnData } from '#catalog/drills/drilled-copies.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { getPool } from '#catalog/pools/pools.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { addLogPool, getResource, logPoolsOf } from '#catalog/resources/resources.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { addRunEvents } from '#catalog/runs/runs.ts';
import { fail } from '#core/errors/fail.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import { backupOptionsShape, reconnectField } from '#core/settings/backup-options.ts';
import { hooksShape, verifyAfterShape } from '#core/settings/hooks.ts';
import type { JobSpec, JobSpecOf, StandbyOfJob } from '#core/settings/job-spec.ts';
import { changedPagesSourceShape } from '#core/settings/shape/committed.ts';
import type { Context } from '#api/context.ts';
import { unreachableLogPools } from './orders.ts';
import type { Caller } from '#api/http/route.ts';
import { demandLogin, hostOfResource } from '#api/routes/resources.ts';
import { nameOf } from '#api/routes/words.ts';
import { standbyOfJob } from './standby-of-job.ts';
import { demandReach, startRun } from './start-run.ts';

/** What every run that is started by hand says: K-084, and what happens when its lane is busy (design §4). */
export const commonOfRun = {
  reconnectMinutes: reconnectField.default(10),
  whenBusy: z.enum(['refuse', 'wait']).default('refuse'),
  hooks: hooksShape.exactOptional(),
};
const common = {
  ...commonOfRun,
  resource: z.string(),
  pool: z.string(),
  options: backupOptionsShape.prefault({}),
};

const standbyBody = z
  .object({
    primary: z
      .string()
      .meta({ description: 'the resource that it follows; without it only fulls are taken' })
      .exactOptional(),
    address: z
      .object({ host: z.string().min(1), port: z.number().int().min(1).max(65535) })
      .meta({ description: 'where the host of the standby reaches the primary; its own socket when absent' })
      .exactOptional(),
  })
  .meta({ description: 'the instance is a standby (design §5); refused when it is one and this is absent' })
  .exactOptional();

const fullBody = z.object({
  ...common,
  kind: z.literal('full-backup'),
  isOffline: z
    .boolean()
    .meta({ description: 'the instance is closed, shut down or crashed; refused while a server uses it (D-007)' })
    .exactOptional(),
  standby: standbyBody,
  verifyAfter: verifyAfterShape.exactOptional(),
});
const logBody = z.object({ ...common, kind: z.literal('log-backup') });
/** How often the unfinished segment is committed: each time is a batch more. */
const tailSeconds = z.number().int().min(1).max(3600);
const streamBody = z.object({
  ...common,
  kind: z.literal('log-stream'),
  tailSeconds: tailSeconds
    .meta({
      description: 'seconds between commits of the log that does not fill a segment yet: what a loss costs at most',
    })
    .default(30),
});
const incrementalBody = z.object({
  ...common,
  kind: z.literal('incremental-backup'),
  type: z.enum(['differential', 'cumulative']).meta({
    description: 'differential builds on the newest set (D-024), cumulative on the newest full (D-025)',
  }),
  source: changedPagesSourceShape
    .meta({ description: 'where changed pages come from; the best that is available when absent' })
    .exactOptional(),
  standby: standbyBody,
  verifyAfter: verifyAfterShape.exactOptional(),
});

/** Bodies of `POST /runs` that start a backup. */
export const backupBodies = [fullBody, logBody, streamBody, incrementalBody] as const;
type BackupBody = z.output<(typeof backupBodies)[number]>;

/** What a backup would do, and where. Throws `resource_unknown`, `pool_not_found`, `pool_out_of_reach`, `resource_not_logged_in`, `resource_holds_copy`, `without_log_refused`. */
export async function prepareBackup(context: Context, body: BackupBody) {
  const resource = await getResource(context.catalog, body.resource);
  const hostId = hostOfResource(resource);
  await demandOwnData(context.catalog, resource.id);
  const pool = await getPool(context.catalog, body.pool);
  demandReach(pool, hostId);
  // A log backup without login reads what the archive of a closed instance holds (D-012); a closed instance asks for none.
  if (body.kind !== 'log-backup' && !isOffline(body)) demandLogin(resource);
  const asked = 'standby' in body ? body.standby : undefined;
  const standby = asked === undefined ? {} : { standby: await standbyOfJob(context, resource, asked) };
  if (body.options.isWithoutLog === true) await demandLog(context, { body, resource, pool, ...standby });
  return { spec: specOf(body, resource.id, pool.id, standby), hostId, resource, pool };
}

interface WithoutLog {
  readonly body: BackupBody;
  readonly resource: ResourceRow;
  readonly pool: PoolRow;
  readonly standby?: StandbyOfJob;
}

/**
 * D-021: a set without its log is worth something only where that log is backed up, by this resource or by the primary of the
 * standby that it is. A closed instance that was shut down needs none. Throws `without_log_refused`.
 */
async function demandLog({ catalog }: Context, { body, resource, pool, standby }: WithoutLog): Promise<void> {
  const isOfLog = body.kind === 'log-backup' || body.kind === 'log-stream';
  if (isOfLog) throw fail('without_log_refused', { why: `this is a ${body.kind}, which is nothing but log` });
  if (isOffline(body)) return;
  const writers = [resource.id, ...(standby?.primaryId === undefined ? [] : [standby.primaryId])];
  const targets = await Promise.all(writers.map((id) => logPoolsOf(catalog, id)));
  if (targets.flat().includes(pool.id)) return;
  const why = `no log of ${resource.name} is backed up into pool ${pool.name}, so nothing could ever be restored from the set`;
  throw fail('without_log_refused', { why });
}

/** Records and starts a backup. Throws what `prepareBackup` throws. */
export async function startBackup(context: Context, body: BackupBody, caller: Caller): Promise<RunRow> {
  const { spec, hostId, resource, pool } = await prepareBackup(context, body);
  const isOfLog = body.kind === 'log-backup' || body.kind === 'log-stream';
  if (isOfLog) await addLogPool(context.catalog, resource.id, pool.id);
  const run = await startRun(context, {
    spec,
    hostId,
    resourceId: resource.id,
    name: `${isOffline(body) ? 'offline ' : ''}${body.kind} of ${resource.name}`,
    startedBy: nameOf(caller),
    ...(isOfLog ? {} : { setId: context.ids('set') }),
  });
  const away = await unreachableLogPools(context, resource.id, hostId);
  if (away.length > 0) {
    const message = `no archived file is deleted: this host cannot reach ${away.join(', ')}, also a target of the log (K-080)`;
    await addRunEvents(context.catalog, run.id, [{ level: 'warn', message }]);
  }
  return run;
}

const isOffline = (body: BackupBody): boolean => body.kind === 'full-backup' && body.isOffline === true;

function specOf(
  body: BackupBody,
  resourceId: ResourceId,
  poolId: PoolId,
  standby: Pick<JobSpecOf<'full-backup'>, 'standby'>,
): JobSpec {
  const { options, reconnectMinutes, whenBusy, hooks } = body;
  const verifyAfter = 'verifyAfter' in body ? body.verifyAfter : undefined;
  const head = {
    ...{ resourceId, poolId, options, reconnectMinutes, whenBusy },
    ...(hooks === undefined ? {} : { hooks }),
    ...(verifyAfter === undefined ? {} : { verifyAfter }),
  };
  if (body.kind === 'log-backup') return { kind: body.kind, ...head };
  if (body.kind === 'log-stream') return { kind: body.kind, ...head, tailSeconds: body.tailSeconds };
  if (body.kind === 'full-backup')
    return { kind: body.kind, ...head, ...standby, ...(isOffline(body) ? { isOffline: true } : {}) };
  const { kind, type, source } = body;
  return { kind, type, ...(source === undefined ? {} : { source }), ...standby, ...head };
}
