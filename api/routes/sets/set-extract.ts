import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import type { SetRow } from '#catalog/backup-sets.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { findLogin, getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId, ResourceId } from '#core/id.ts';
import { reconnectField } from '#core/settings/backup-options.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { fileListShape } from '#core/settings/shape/contents.ts';
import { idShape, pathShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { lookAt } from '#api/pools/look-at-place.ts';
import { poolAccess } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolQueryShape, setAsked } from '#api/pools/set-in-pool.ts';
import { canReach, demandReach, startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { nameOf } from '#api/routes/words.ts';

const extractBody = z.object({
  what: z
    .string()
    .min(1)
    .max(4000)
    .meta({ description: 'Path of a file of the set; of a relation any of its files, or database.schema.relation' }),
  directory: pathShape.meta({ description: 'Empty or absent directory on the host' }),
  /** Default: the host of the instance when it reaches the pool, else one that does. */
  host: z.string().exactOptional(),
  reconnectMinutes: reconnectField.default(10),
});

/** Files of a set for a look at them, without a restore. */
export const setExtractRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/backup-sets/{set}/extract',
    title: 'Write one file, or all segments and forks of one relation, of a set into an empty directory',
    access: { permission: 'run-restores' },
    status: 202,
    needsKey: true,
    params: z.object({ set: idShape('set') }),
    query: poolQueryShape,
    body: extractBody,
    answer: runAnswer,
    serve: async ({ params, query, body, caller }) => {
      const set = await setAsked(context.catalog, params.set, query);
      const { id, poolId, resourceId } = set;
      const pool = await getPool(context.catalog, poolId);
      const hostId = await hostFor(context, { pool, resourceId, host: body.host });
      demandReach(pool, hostId);
      await demandPossible(context, { set, pool, hostId, ...body });
      const names = await namesFrom(context, resourceId, hostId);
      const spec: JobSpecOf<'extract-set'> = {
        ...{ kind: 'extract-set', hostId, poolId, setId: id, what: body.what, directory: body.directory },
        ...{ reconnectMinutes: body.reconnectMinutes, whenBusy: 'refuse' },
        ...(names === undefined ? {} : { namesFrom: names }),
      };
      const run = await startRun(context, {
        ...{ spec, hostId, resourceId, name: `extract from ${id}`, startedBy: nameOf(caller) },
      });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

interface Wish {
  readonly set: SetRow;
  readonly pool: PoolRow;
  readonly hostId: HostId;
  readonly what: string;
  readonly directory: string;
}

/**
 * What can be known before a run begins: the directory as the host finds it, and a path as the set knows it. A host that does
 * not answer refuses nothing, the run looks again. Throws `place_unready`, `extract_nothing`.
 */
async function demandPossible(context: Context, { set, pool, hostId, what, directory }: Wish): Promise<void> {
  const { systemId } = set.summary;
  const place = { kind: 'place' as const, isCopy: true, directory, tablespaces: [], bytes: 0, systemId };
  const failed = (await lookAt(context, place, hostId)).filter(({ verdict }) => verdict === 'fail');
  if (failed.length > 0) throw fail('place_unready', { checks: failed.map(({ detail }) => detail).join('; ') });
  // Names of relations are those of the running instance, which the run asks.
  if (what.includes('/') && !(await isPathOf(context, set, { what, pool })))
    throw fail('extract_nothing', { what, set: set.id });
}

async function isPathOf(
  context: Context,
  { id, poolId }: SetRow,
  { what, pool }: Pick<Wish, 'what' | 'pool'>,
): Promise<boolean> {
  const view = { of: 'files' as const, prefix: what, after: '', limit: 1 };
  try {
    const inspection = { kind: 'set-contents' as const, pool: await poolAccess(context, poolId), setId: id, view };
    const { files } = await inspect(context, { hostId: maintainerOf(pool), inspection, answer: fileListShape });
    return files.length > 0;
  } catch (error) {
    if (error instanceof HoldfastError && error.class !== 'bug') return true;
    throw error;
  }
}

interface HostQuestion {
  readonly pool: PoolRow;
  readonly resourceId: ResourceId;
  readonly host: string | undefined;
}

async function hostFor({ catalog }: Context, { pool, resourceId, host }: HostQuestion): Promise<HostId> {
  if (host !== undefined) return (await getHost(catalog, host)).id;
  const { hostId } = await getResource(catalog, resourceId);
  return hostId !== null && canReach(pool, hostId) ? hostId : maintainerOf(pool);
}

/** The instance whose catalog knows the names of relations: when it is on that host and its login is known. */
async function namesFrom({ catalog }: Context, id: ResourceId, hostId: HostId): Promise<ResourceId | undefined> {
  const isThere = (await getResource(catalog, id)).hostId === hostId;
  return isThere && (await findLogin(catalog, id)) !== undefined ? id : undefined;
}
