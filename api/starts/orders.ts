import { logPoolsOf, findLogin, getResource } from '#catalog/resources/resources.ts';
import { demandNoCopy } from '#catalog/drills/drilled-copies.ts';
import { findCanary, poolOfDrill } from '#catalog/drills/drills.ts';
import { demandNotTaken } from '#catalog/drills/target-users.ts';
import { lastBatchesBefore } from '#catalog/log-batches.ts';
import { demandLogicalUsable } from '#catalog/logical-sets.ts';
import { getPool, sealedSecretsOf } from '#catalog/pools/pools.ts';
import type { RunRow } from '#catalog/runs/runs.ts';
import { openBackupsSince, specOfRun } from '#catalog/runs/runs.ts';
import type { BackupOptions, InstanceAccess, Order, OrderOf } from '#core/agent/order.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import { parseInstant } from '#core/instant.ts';
import type { PoolAccess, PoolSecrets } from '#core/pool/pool-access.ts';
import { poolSecretsShape } from '#core/settings/pool-settings.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import { formatSegmentName, segmentOf } from '#core/wal/segment-name.ts';
import type { Context } from '#api/context.ts';
import { baseOfRun } from './base-of-run.ts';
import { careTask } from './care-task.ts';
import { drillOrder } from './drill-order.ts';
import { copyTask } from './copy-task.ts';
import { logicalOrder } from './logical-orders.ts';
import { becomesFullAlone, standbyOfOrder } from './standby-of-run.ts';
import { canReach } from './start-run.ts';
import { isTransfer, transferOrder } from './transfer-orders.ts';

/** Names the row a secret belongs to: it opens there only. */
export const loginOwner = (id: ResourceId): string => `login of ${id}`;
export const poolOwner = (id: PoolId): string => `secrets of ${id}`;

/** Everything a host needs for a run, secrets included: only ever sent over `/agent/v1` to the host it is assigned to. */
export async function orderOf(context: Context, run: RunRow): Promise<Order> {
  const spec = await specOfRun(context.catalog, run.id);
  if (copiesData(spec)) await demandNoCopy(context.catalog, spec.resourceId);
  await demandNotTaken(context.catalog, { runId: run.id, hostId: run.hostId, spec });
  return orderBy(context, run, spec);
}

function orderBy(context: Context, run: RunRow, spec: JobSpec): Order | Promise<Order> {
  if (isBackup(spec)) return backupOrder(context, run, spec);
  if (isTransfer(spec)) {
    const instance = (id: ResourceId): Promise<InstanceAccess> => instanceAccess(context, id);
    const demandSet = (id: SetId): Promise<unknown> => demandLogicalUsable(context.catalog, id);
    return transferOrder(run, spec, { instance, pool: (id) => poolAccess(context, id), demandSet });
  }
  if (isPlain(spec)) return plainOrder(context, run, spec);
  switch (spec.kind) {
    case 'restore':
      return restoreOrder(context, run, spec);
    case 'merge-set':
      return mergeOrder(context, run, spec);
    case 'extract-set':
      return extractOrder(context, run, spec);
    case 'drill':
      return drillWithPool(context, run, spec);
    case 'log-restore':
      return logRestoreOrder(context, run, spec);
    case 'pool-copy':
      return copyOrder(context, run, spec);
    case 'logical-backup':
    case 'logical-care':
      return logicalOrder(context, run, spec, {
        instance: (id) => instanceAccess(context, id),
        pool: (id) => poolAccess(context, id),
      });
  }
}

async function drillWithPool(context: Context, run: RunRow, spec: JobSpecOf<'drill'>): Promise<OrderOf<'drill'>> {
  const order = await drillOrder(context, run, spec);
  const poolId = await poolOfDrill(context.catalog, run.id);
  if (poolId === undefined) throw bug(`drill ${run.id} has no pool`);
  return { ...order, pool: await poolAccess(context, poolId) };
}

const plainKinds = ['log-stream', 'verify-set', 'rebuild', 'care', 'no-op'] as const;
type PlainSpec = JobSpecOf<(typeof plainKinds)[number]>;
const isPlain = (spec: JobSpec): spec is PlainSpec => plainKinds.some((kind) => kind === spec.kind);

/** Orders that say little more than their job does. */
async function plainOrder(context: Context, run: RunRow, spec: PlainSpec): Promise<Order> {
  const head = { runId: run.id, hostId: run.hostId };
  if (spec.kind === 'no-op') return { kind: 'no-op', ...head, seconds: spec.seconds };
  const pool = await poolAccess(context, spec.poolId);
  switch (spec.kind) {
    case 'log-stream': {
      const { tailSeconds } = spec;
      const options = await withArchive(context, spec.resourceId, spec.options);
      const instance = await instanceAccess(context, spec.resourceId);
      return { kind: 'log-stream', ...head, options, tailSeconds, instance, pool };
    }
    case 'verify-set':
      return { kind: 'verify-set', ...head, pool, setId: spec.setId, depth: spec.depth };
    case 'rebuild':
      return { kind: 'rebuild', ...head, pool };
    case 'care':
      return { kind: 'care', ...head, pool, task: await careTask(context, run, spec) };
  }
}

async function backupOrder(
  context: Context,
  run: RunRow,
  spec: BackupSpec,
): Promise<OrderOf<'full-backup'> | OrderOf<'log-backup'>> {
  const { resourceId, poolId } = spec;
  const { hostId } = run;
  const instance = await instanceAccess(context, resourceId);
  const head = { runId: run.id, hostId, options: await safeOptions(context, hostId, spec), instance };
  const needed = await neededFrom(context, resourceId);
  if (spec.kind === 'log-backup') {
    const pools = [
      await poolAccess(context, poolId),
      ...(await logPools(context, { resourceId, hostId, except: poolId })),
    ];
    const canary = await findCanary(context.catalog, resourceId);
    return { kind: 'log-backup', ...head, pools, neededFrom: needed, ...(canary === undefined ? {} : { canary }) };
  }
  if (run.setId === null) throw bug(`backup ${run.id} was recorded without a set id`);
  const standby =
    spec.standby === undefined ? {} : await standbyOfOrder(spec.standby, (id) => instanceAccess(context, id));
  const base = await baseOf(context, spec);
  const pools = await logPools(context, { resourceId, hostId });
  // Why: without a target of the log nobody holds the archived files, so a backup deletes none.
  const archive = pools.length === 0 ? {} : { archive: { pools, neededFrom: needed } };
  const pool = await poolAccess(context, poolId);
  const offline = spec.kind === 'full-backup' && spec.isOffline === true ? { isOffline: true } : {};
  return { kind: 'full-backup', ...head, setId: run.setId, pool, ...base, ...offline, ...standby, ...archive };
}

/** What makes a backup incremental; nothing for a full. */
function baseOf(
  context: Context,
  spec: JobSpecOf<'full-backup' | 'incremental-backup'>,
): ReturnType<typeof baseOfRun> | Pick<OrderOf<'full-backup'>, 'base' | 'becomesFull'> {
  if (spec.kind === 'full-backup') return {};
  const isAlone = spec.standby !== undefined && spec.standby.primaryId === undefined;
  return isAlone ? becomesFullAlone(spec.resourceId) : baseOfRun(context, spec);
}

const backupKinds = ['full-backup', 'incremental-backup', 'log-backup'] as const;
type BackupSpec = JobSpecOf<(typeof backupKinds)[number]>;

const isBackup = (spec: JobSpec): spec is BackupSpec => backupKinds.some((kind) => kind === spec.kind);

type CopyingSpec = JobSpecOf<(typeof backupKinds)[number] | 'log-stream' | 'logical-backup'>;

/** A run that puts data or log of a resource into a pool. */
const copiesData = (spec: JobSpec): spec is CopyingSpec =>
  isBackup(spec) || spec.kind === 'log-stream' || spec.kind === 'logical-backup';

/** The options of the job, with the archive directory found and with nothing deleted while a target pool is out of reach. */
async function safeOptions(
  context: Context,
  hostId: HostId,
  { resourceId, options }: BackupSpec,
): Promise<BackupOptions> {
  const found = await withArchive(context, resourceId, options);
  const isOutOfReach = (await unreachableLogPools(context, resourceId, hostId)).length > 0;
  return isOutOfReach ? { ...found, archiveRetention: { mode: 'keep' } } : found;
}

/** Target pools of the log that a host cannot open: it could never prove that they hold a file (K-080). */
export async function unreachableLogPools({ catalog }: Context, id: ResourceId, hostId: HostId): Promise<string[]> {
  const pools = await Promise.all((await logPoolsOf(catalog, id)).map((pool) => getPool(catalog, pool)));
  return pools.filter((pool) => !canReach(pool, hostId)).map(({ name }) => name);
}

/** K-082: the directory that the job names, else the one that the last preflight found. */
async function withArchive({ catalog }: Context, id: ResourceId, options: BackupOptions): Promise<BackupOptions> {
  const found = (await getResource(catalog, id)).preflight?.archiveDirectory;
  return options.archiveDirectory !== undefined || found === undefined
    ? options
    : { ...options, archiveDirectory: found };
}

async function copyOrder(context: Context, run: RunRow, spec: JobSpecOf<'pool-copy'>): Promise<OrderOf<'pool-copy'>> {
  const head = { kind: 'pool-copy' as const, runId: run.id, hostId: run.hostId, limits: spec.limits };
  const from = await poolAccess(context, spec.poolId);
  return { ...head, from, to: await poolAccess(context, spec.toPoolId), task: await copyTask(context, spec) };
}

async function restoreOrder(context: Context, run: RunRow, spec: JobSpecOf<'restore'>): Promise<OrderOf<'restore'>> {
  const { plan, limits, channels, poolId, resumeBufferBytes } = spec;
  const buffer = resumeBufferBytes === undefined ? {} : { resumeBufferBytes };
  const order = { kind: 'restore' as const, runId: run.id, hostId: run.hostId, plan, limits, channels, ...buffer };
  const pool = await poolAccess(context, poolId);
  if (plan.place.kind === 'copy') return { ...order, pool };
  return { ...order, pool, instance: await instanceAccess(context, plan.place.resourceId) };
}

async function logRestoreOrder(
  context: Context,
  { id: runId, hostId }: RunRow,
  { directory, plan, limits, poolId }: JobSpecOf<'log-restore'>,
): Promise<OrderOf<'log-restore'>> {
  return { kind: 'log-restore', runId, hostId, pool: await poolAccess(context, poolId), directory, plan, limits };
}

async function mergeOrder(context: Context, run: RunRow, spec: JobSpecOf<'merge-set'>): Promise<OrderOf<'merge-set'>> {
  if (run.setId === null) throw bug(`merge ${run.id} was recorded without a set id`);
  const { from, name, compression, channels, limits, resumeBufferBytes } = spec;
  return {
    ...{ kind: 'merge-set', runId: run.id, hostId: run.hostId, from, setId: run.setId, compression, channels, limits },
    pool: await poolAccess(context, spec.poolId),
    ...(name === undefined ? {} : { name }),
    ...(resumeBufferBytes === undefined ? {} : { resumeBufferBytes }),
  };
}

async function extractOrder(
  context: Context,
  { id: runId, hostId }: RunRow,
  { setId, what, directory, poolId, namesFrom }: JobSpecOf<'extract-set'>,
): Promise<OrderOf<'extract-set'>> {
  const pool = await poolAccess(context, poolId);
  const order = { kind: 'extract-set' as const, runId, hostId, pool, setId, what, directory };
  return namesFrom === undefined ? order : { ...order, instance: await instanceAccess(context, namesFrom) };
}

/** Target pools of the resource's log that this host can open: all must hold a file before it is deleted (K-080). */
async function logPools(
  context: Context,
  { resourceId, hostId, except }: { resourceId: ResourceId; hostId: HostId; except?: PoolId },
): Promise<PoolAccess[]> {
  const pools: PoolAccess[] = [];
  for (const id of await logPoolsOf(context.catalog, resourceId)) {
    if (id !== except && canReach(await getPool(context.catalog, id), hostId))
      pools.push(await poolAccess(context, id));
  }
  return pools;
}

/**
 * Log that backups in progress need. A backup begins at or after the end of every batch of its branch that was committed
 * before the backup was recorded, so the segment at that end is a safe bound for the timeline of that branch; nothing
 * may go of a timeline without such a batch. The agent asks again directly before it deletes.
 */
async function neededFrom(context: Context, resourceId: ResourceId): Promise<OrderOf<'log-backup'>['neededFrom']> {
  const [oldest] = await openBackupsSince(context.catalog, resourceId);
  if (oldest === undefined) return [];
  const batches = await lastBatchesBefore(context.catalog, resourceId, parseInstant(oldest.createdAt));
  if (batches.length === 0)
    return [{ timeline: 1, segment: formatSegmentName({ timeline: 1, number: 0 }, 16_777_216) }];
  return batches.map(({ timeline, to, segmentBytes }) => ({
    timeline,
    segment: segmentOf(timeline, to, segmentBytes),
  }));
}

/** How the agent reaches an instance; with the stored login where there is one. Throws `resource_unknown`, `secret_unreadable`. */
export async function instanceAccess({ catalog, vault }: Context, id: ResourceId): Promise<InstanceAccess> {
  const { engine, dataDirectory, socket, port, systemId } = await getResource(catalog, id);
  const access = { resourceId: id, engine, dataDirectory, socket, port, systemId };
  const login = await findLogin(catalog, id);
  if (login === undefined) return access;
  const { user, database, sealedPassword } = login;
  return { ...access, login: { user, database, password: vault.open(sealedPassword, loginOwner(id)) } };
}

/** All an agent needs to open a pool. Throws `pool_not_found`, `secret_unreadable`. */
export async function poolAccess({ catalog, vault }: Context, id: PoolId): Promise<PoolAccess> {
  const { name, place } = await getPool(catalog, id);
  const sealed = await sealedSecretsOf(catalog, id);
  if (sealed === undefined) throw bug(`pool ${id} has no row of secrets`);
  const secrets: PoolSecrets = poolSecretsShape.parse(JSON.parse(vault.open(sealed, poolOwner(id))));
  return { poolId: id, name, place, secrets };
}

/** The order of a run for the host that asks. Throws `order_refused` when it is not its run, or it is over. */
export function demandAssigned(run: RunRow, runId: RunId, hostId: HostId, isOver: boolean): void {
  if (run.hostId !== hostId || isOver) throw fail('order_refused', { run: runId, host: hostId });
}
