import { z } from 'zod';
import { getHost } from '#catalog/hosts.ts';
import type { PoolRow } from '#catalog/pools.ts';
import { getPool } from '#catalog/pools.ts';
import { findLogin, getResource } from '#catalog/resources.ts';
import type { HostId, ResourceId } from '#core/id.ts';
import { reconnectField } from '#core/settings/backup-options.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import { idShape, pathShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { poolQueryShape, setAsked } from '../set-in-pool.ts';
import { canReach, demandReach, startRun } from '../start-run.ts';
import { maintainerOf } from './pools.ts';
import { runAnswer } from './runs.ts';
import { nameOf } from './words.ts';

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
      const { id, poolId, resourceId } = await setAsked(context.catalog, params.set, query);
      const pool = await getPool(context.catalog, poolId);
      const hostId = await hostFor(context, { pool, resourceId, host: body.host });
      demandReach(pool, hostId);
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
