import { z } from 'zod';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { scrubCandidates } from '#catalog/pools/verification.ts';
import { scrubCandidateShape } from '#core/settings/shape/scrub.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { startRun } from '#api/starts/start-run.ts';
import { maintainerOf } from './pools/pools.ts';
import { runAnswer } from './runs/runs.ts';
import { listShape, nameOf, wholeList } from './words.ts';

const poolParams = z.object({ pool: z.string() });
export const scrubBody = z.object({
  depth: z
    .enum(['full', 'page'])
    .meta({ description: 'full: every stored byte; page: the page checksums of relation files too' })
    .default('full'),
  budgetBytes: z
    .number()
    .int()
    .min(1)
    .meta({
      description: 'stored bytes after which it ends; a later scrub goes on there. Absent: it looks at everything',
    })
    .exactOptional(),
  isFollowedByFull: z
    .boolean()
    .meta({ description: 'damage that no later good full makes up for starts a full backup' })
    .default(false),
  resource: z.string().exactOptional(),
});

/** Scrub: sets and log of a pool are read back, what nobody has looked at for longest first. */
export const scrubRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/scrub',
    title: 'Read sets and log of a pool back, what nobody has looked at for longest first; damage is put out of use',
    access: { permission: 'run-backups' },
    status: 202,
    params: poolParams,
    body: scrubBody.prefault({}),
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const { spec, pool } = await prepareScrub(context, params.pool, body);
      const name = `scrub of ${pool.name}`;
      const run = await startRun(context, { spec, hostId: spec.hostId, name, startedBy: nameOf(caller) });
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/pools/{pool}/scrub',
    title: 'Sets and log of a pool in the order in which a scrub looks at them; known damage comes last',
    access: { permission: 'read' },
    status: 200,
    params: poolParams,
    query: z.object({ resource: z.string().optional() }),
    answer: listShape(scrubCandidateShape),
    serve: async ({ params, query }) => {
      const { id: poolId } = await getPool(context.catalog, params.pool);
      const { id: resourceId } = query.resource === undefined ? {} : await getResource(context.catalog, query.resource);
      return wholeList(await scrubCandidates(context.catalog, { poolId, resourceId }));
    },
  }),
];

/** What a scrub would do; the pool's first maintenance host does it. */
export async function prepareScrub({ catalog }: Context, named: string, body: z.output<typeof scrubBody>) {
  const pool = await getPool(catalog, named);
  const { resource, ...asked } = body;
  const of = resource === undefined ? undefined : await getResource(catalog, resource);
  const care = { does: 'scrub' as const, ...asked, ...(of === undefined ? {} : { resourceId: of.id }) };
  const head = { kind: 'care' as const, hostId: maintainerOf(pool), poolId: pool.id, care };
  return { spec: { ...head, reconnectMinutes: 10, whenBusy: 'wait' as const }, pool };
}
