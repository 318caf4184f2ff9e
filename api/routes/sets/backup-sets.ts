import { z } from 'zod';
import { listSets } from '#catalog/backup-sets.ts';
import { deletedLogOf } from '#catalog/pools/deleted-log.ts';
import { poolsWithDatabase } from '#catalog/log-batches.ts';
import { damagedLogOf, soundBatchesOf } from '#catalog/pools/verification.ts';
import { setsOfDatabase } from '#catalog/backup-sets.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { sortUsable } from '#core/backup/usable-sets.ts';
import { verifyDepths } from '#core/care/verify-depth.ts';
import { explainGaps } from '#core/care/explain-gaps.ts';
import { coverage } from '#core/log/coverage.ts';
import { lackingLog } from '#core/log/lacking-log.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { timelineShape } from '#core/settings/shape/timeline.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolAsked, poolQuery, poolQueryShape, setAsked } from '#api/pools/set-in-pool.ts';
import { startRun } from '#api/starts/start-run.ts';
import { setWithChain, setWithStanding, withChain, withStandings } from '#api/pools/set-chain.ts';
import { maintainerOf } from '#api/routes/pools/pools.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { listOf, listShape, nameOf, pageQuery, pageRequestOf, wholeList } from '#api/routes/words.ts';

/** What a list can be narrowed to; `incremental` is every set that is no full. */
export const listedTypeShape = z.enum(['full', 'incremental', 'differential', 'cumulative']);

const setParams = z.object({ set: idShape('set') });
const poolTimeline = z
  .object({
    poolId: idShape('pool'),
    poolName: z.string(),
    timeline: timelineShape,
    /** Sets that lead nowhere: damaged, quarantined, without a whole chain, or made without log that the pool lacks (D-021). */
    excluded: z.array(z.object({ setId: idShape('set'), reason: z.string() })),
    /** Objects of log that a scrub found damaged: nothing is planned over them. */
    damagedLog: z.array(z.string()),
  })
  .meta({ id: 'PoolTimeline' });

export const backupSetRoutes = (context: Context): Route[] => [
  ...readingRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/backup-sets/{set}/verify',
    title:
      'Read a set back and check it: quick looks at objects and metadata, full at every byte, page at page checksums too',
    access: { permission: 'run-backups' },
    status: 202,
    params: setParams,
    query: poolQueryShape,
    body: z.object({ depth: z.enum(verifyDepths).default('full') }).default({ depth: 'full' }),
    answer: runAnswer,
    serve: async ({ params, query, body, caller }) => {
      const row = await setAsked(context.catalog, params.set, query);
      const pool = await getPool(context.catalog, row.poolId);
      const hostId = maintainerOf(pool);
      const what = { kind: 'verify-set' as const, hostId, poolId: pool.id, setId: row.id, depth: body.depth };
      const spec = { ...what, reconnectMinutes: 10, whenBusy: 'wait' as const };
      const name = `verify ${row.id}`;
      const run = await startRun(context, {
        spec,
        hostId,
        resourceId: row.resourceId,
        setId: row.id,
        name,
        startedBy: nameOf(caller),
      });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/resources/{resource}/timeline',
    title: 'Recovery timeline: branches, gaps and reachable windows, per pool (K-096)',
    access: { permission: 'read' },
    status: 200,
    params: z.object({ resource: z.string() }),
    answer: listShape(poolTimeline),
    serve: async ({ params }) => wholeList(await timelinesOf(context, params.resource)),
  }),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/backup-sets',
    title: 'Backup sets, newest first',
    access: { permission: 'read' },
    status: 200,
    query: z.object({ ...pageQuery, ...poolQuery, resource: z.string().optional(), type: listedTypeShape.optional() }),
    answer: listShape(setWithStanding),
    serve: async ({ query }) => {
      const filter = {
        ...(query.resource === undefined ? {} : { resource: (await getResource(context.catalog, query.resource)).id }),
        ...(query.type === undefined ? {} : { type: query.type }),
        ...(await poolAsked(context.catalog, query)),
      };
      const page = await listSets(context.catalog, pageRequestOf(query), filter);
      return listOf({ ...page, data: await withStandings(context.catalog, page.data) });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/backup-sets/{set}',
    title: 'One backup set with the sets it builds on and those that build on it',
    access: { permission: 'read' },
    status: 200,
    params: setParams,
    query: poolQueryShape,
    answer: setWithChain,
    serve: async ({ params, query }) => {
      const { pool } = await poolAsked(context.catalog, query);
      return { answer: await withChain(context.catalog, params.set, pool) };
    },
  }),
];

/** What can be recovered from each pool that holds sets or log of a resource. */
export async function timelinesOf(
  { catalog }: Pick<Context, 'catalog'>,
  idOrName: string,
): Promise<z.output<typeof poolTimeline>[]> {
  const { id: owner, systemId } = await getResource(catalog, idOrName);
  const sets = await setsOfDatabase(catalog, systemId);
  const pools = await Promise.all((await poolsWithDatabase(catalog, systemId)).map((id) => getPool(catalog, id)));
  return Promise.all(
    pools.map(async ({ id: poolId, name: poolName }) => {
      const inPool = sets.filter((row) => row.poolId === poolId).map((row) => row.summary);
      const { usable, excluded } = sortUsable(inPool, await unusableSets(catalog, systemId, poolId));
      const batches = await soundBatchesOf(catalog, systemId, poolId);
      const timeline = coverage({ sets: usable, batches, owner, unusable: excluded.map((each) => each.set) });
      return {
        poolId,
        poolName,
        timeline: explainGaps(timeline, await deletedLogOf(catalog, systemId, poolId)),
        excluded: [...excluded, ...lackingLog({ sets: usable, batches })].map(({ set, reason }) => ({
          ...{ setId: set.setId, reason },
        })),
        damagedLog: [...(await damagedLogOf(catalog, systemId, poolId))],
      };
    }),
  );
}
