import { z } from 'zod';
import type { SetRow } from '#catalog/backup-sets.ts';
import { getSet } from '#catalog/backup-sets.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { findLogin, getResource } from '#catalog/resources/resources.ts';
import type { InspectionOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import type { ContentsView } from '#core/contents/contents.ts';
import { fileListShape, setDifferenceShape, tableListShape } from '#core/settings/shape/contents.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { instanceAccess, poolAccess } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { canReach } from '#api/starts/start-run.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';

const setParams = z.object({ set: idShape('set') });
const limit = z.coerce.number().int().min(1).max(1000).default(200);

/** What is in a set: an agent that reaches the pool reads the metadata, the API cannot. */
export const setContentsRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/backup-sets/{set}/files',
    title: 'Files of a set with their sizes, by path',
    access: { permission: 'read' },
    status: 200,
    params: setParams,
    query: z.object({ prefix: z.string().max(4000).default(''), after: z.string().max(4000).default(''), limit }),
    answer: fileListShape.meta({ id: 'SetFiles' }),
    serve: async ({ params, query }) => {
      const set = await getSet(context.catalog, params.set);
      const view = { of: 'files' as const, ...query };
      return { answer: await look(context, { set, view, hostId: await readerOf(context, set) }, fileListShape) };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/backup-sets/{set}/tables',
    title: 'Relations of a set, the largest first, with the names that the running instance has for them now',
    access: { permission: 'read' },
    status: 200,
    params: setParams,
    query: z.object({ limit }),
    answer: tableListShape.meta({ id: 'SetTables' }),
    serve: async ({ params, query }) => {
      const set = await getSet(context.catalog, params.set);
      const view = { of: 'tables' as const, limit: query.limit };
      return { answer: await look(context, { set, view, ...(await namerOf(context, set)) }, tableListShape) };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/backup-sets/{set}/diff/{earlier}',
    title: 'What changed in the files from an earlier set to this one',
    access: { permission: 'read' },
    status: 200,
    params: z.object({ set: idShape('set'), earlier: idShape('set') }),
    query: z.object({ limit }),
    answer: setDifferenceShape.meta({ id: 'SetDifference' }),
    serve: async ({ params, query }) => {
      const [set, earlier] = await Promise.all([
        getSet(context.catalog, params.set),
        getSet(context.catalog, params.earlier),
      ]);
      demandComparable(set, earlier);
      const view = { of: 'diff' as const, earlier: earlier.id, limit: query.limit };
      return { answer: await look(context, { set, view, hostId: await readerOf(context, set) }, setDifferenceShape) };
    },
  }),
];

interface Look {
  readonly set: SetRow;
  readonly view: ContentsView;
  readonly hostId: HostId;
  readonly instance?: InspectionOf<'set-contents'>['instance'];
}

async function look<T>(context: Context, { set, view, hostId, instance }: Look, answer: z.ZodType<T>): Promise<T> {
  const pool = await poolAccess(context, set.poolId);
  const inspection = { kind: 'set-contents' as const, pool, setId: set.id, view };
  const whole = instance === undefined ? inspection : { ...inspection, instance };
  return inspect(context, { hostId, inspection: whole, answer });
}

const readerOf = async ({ catalog }: Context, { poolId }: SetRow): Promise<HostId> =>
  maintainerOf(await getPool(catalog, poolId));

/** The host of the instance when it reaches the pool and its login is known; else a host that reaches the pool. */
async function namerOf(context: Context, set: SetRow): Promise<Pick<Look, 'hostId' | 'instance'>> {
  const { catalog } = context;
  const { hostId } = await getResource(catalog, set.resourceId);
  const pool = await getPool(catalog, set.poolId);
  const isNamed = hostId !== null && canReach(pool, hostId) && (await findLogin(catalog, set.resourceId)) !== undefined;
  if (!isNamed) return { hostId: maintainerOf(pool) };
  return { hostId, instance: await instanceAccess(context, set.resourceId) };
}

/** Both are read from one pool, and paths mean the same in sets of one database only. */
function demandComparable(set: SetRow, earlier: SetRow): void {
  const isOne = set.summary.systemId === earlier.summary.systemId && set.poolId === earlier.poolId;
  if (!isOne) throw fail('sets_not_comparable', { first: earlier.id, second: set.id });
}
