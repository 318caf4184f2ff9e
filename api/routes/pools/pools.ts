import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { addPool, demandFreePoolName, getPool, listPools, poolShape } from '#catalog/pools/pools.ts';
import { removePool } from '#catalog/pools/remove-pool.ts';
import { openRebuildOf } from '#catalog/runs/runs.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId } from '#core/id.ts';
import { poolPlaceShape, poolSecretsShape } from '#core/settings/pool-settings.ts';
import { countShape, idShape, nameShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { poolAccess, poolOwner } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { startRun } from '#api/starts/start-run.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { listShape, nameOf, wholeList } from '#api/routes/words.ts';

const pool = poolShape.meta({ id: 'Pool' });
const poolParams = z.object({ pool: z.string() });
const probe = z.looseObject({ freeBytes: countShape.exactOptional() });
const createBody = z.object({
  name: nameShape,
  place: poolPlaceShape,
  /** The host that creates it; a local pool lies on it. */
  host: z.string(),
  secrets: poolSecretsShape.default({}),
  /** Id of a pool that exists already, from its holdfast.json: it is attached, not created. */
  poolId: idShape('pool').optional(),
});

export const poolRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/pools',
    title: 'Pools',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(pool),
    serve: async () => wholeList(await listPools(context.catalog)),
  }),
  route({
    method: 'get',
    path: '/api/v1/pools/{pool}',
    title: 'One pool, by id or name',
    access: { permission: 'read' },
    status: 200,
    params: poolParams,
    answer: pool,
    serve: async ({ params }) => ({ answer: await getPool(context.catalog, params.pool) }),
  }),
  route({
    method: 'post',
    path: '/api/v1/pools',
    title: 'Create a pool, or attach one that exists; the agent writes, reads and removes a probe first',
    access: { permission: 'manage-pools' },
    status: 201,
    isSecret: true,
    body: createBody,
    answer: pool,
    serve: async ({ body }) => {
      const answer = await create(context, body);
      return { answer, location: `/api/v1/pools/${answer.id}` };
    },
  }),
  ...workingRoutes(context),
];

const workingRoutes = (context: Context): Route[] => [
  route({
    method: 'delete',
    path: '/api/v1/pools/{pool}',
    title: 'Take a pool that holds nothing out of the catalog; what lies at its place is not touched',
    access: { permission: 'manage-pools' },
    status: 200,
    params: poolParams,
    answer: pool,
    serve: async ({ params }) => ({ answer: await removePool(context.catalog, params.pool) }),
  }),
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/test',
    title: 'Write, read and remove a probe object',
    access: { permission: 'manage-pools' },
    status: 200,
    params: poolParams,
    answer: probe,
    serve: async ({ params }) => {
      const row = await getPool(context.catalog, params.pool);
      const inspection = { kind: 'pool-test' as const, pool: await poolAccess(context, row.id) };
      return { answer: await inspect(context, { hostId: maintainerOf(row), inspection, answer: probe }) };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/rebuild',
    title: 'Bring the sets and log of a pool back into the catalog',
    access: { permission: 'rebuild-catalog' },
    status: 202,
    params: poolParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => {
      const row = await getPool(context.catalog, params.pool);
      const hostId = maintainerOf(row);
      const open = await openRebuildOf(context.catalog, hostId);
      if (open !== undefined) throw fail('rebuild_running', { host: hostId, run: open.id });
      const spec = {
        kind: 'rebuild' as const,
        hostId,
        poolId: row.id,
        reconnectMinutes: 10,
        whenBusy: 'wait' as const,
      };
      const run = await startRun(context, {
        spec,
        hostId,
        name: `rebuild from ${row.name}`,
        startedBy: nameOf(caller),
      });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

/** The first maintenance host of a pool: verify, rebuild, test run there (build.md "Data model"). */
export function maintainerOf({ id, maintenanceHosts }: PoolRow): HostId {
  const [first] = maintenanceHosts;
  if (first === undefined) throw bug(`pool ${id} has no maintenance host`);
  return first;
}

/** The agent knows the id of the pool that it found, the catalog maybe its name. */
async function withRegisteredName({ catalog }: Context, error: unknown): Promise<unknown> {
  if (!(error instanceof HoldfastError) || error.code !== 'pool_exists') return error;
  const { place = '', found = '' } = error.params;
  const known = (await listPools(catalog)).find(({ id }) => id === found);
  return known === undefined ? error : fail('pool_registered', { place, found, pool: known.name }, error);
}

async function create(
  context: Context,
  { name, place, host, secrets, poolId }: z.output<typeof createBody>,
): Promise<PoolRow> {
  await demandFreePoolName(context.catalog, name);
  const { id: hostId } = await getHost(context.catalog, host);
  const id = poolId ?? context.ids('pool');
  const access = { poolId: id, name, place, secrets };
  const kind = poolId === undefined ? ('pool-create' as const) : ('pool-test' as const);
  await inspect(context, { hostId, inspection: { kind, pool: access }, answer: probe }).catch(
    async (error: unknown) => {
      throw await withRegisteredName(context, error);
    },
  );
  const sealedSecrets = context.vault.seal(JSON.stringify(secrets), poolOwner(id));
  await addPool(context.catalog, {
    id,
    name,
    place,
    hostId,
    sealedSecrets,
    isEncrypted: secrets.passphrase !== undefined,
  });
  return getPool(context.catalog, id);
}
