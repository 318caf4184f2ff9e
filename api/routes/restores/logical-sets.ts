import { z } from 'zod';
import { getJob } from '#catalog/jobs.ts';
import type { LogicalSetFilter } from '#catalog/logical-sets.ts';
import { getLogicalSet, listLogicalSets, logicalSetShape, logicalSetsBeyond } from '#catalog/logical-sets.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import { keepShape } from '#core/settings/logical-options.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { logicalBody, startLogical, startLogicalRemoval, startLogicalVerify } from '#api/starts/start-logical.ts';
import { runAnswer } from '#api/routes/runs/runs.ts';
import { listOf, listShape, pageQuery, pageRequestOf } from '#api/routes/words.ts';

const setAnswer = logicalSetShape.meta({ id: 'LogicalSet' });
const setParams = z.object({ set: idShape('set') });
const filterQuery = { resource: z.string().optional(), pool: z.string().optional(), job: z.string().optional() };

/** Logical backups and their sets (K-050, K-072): begun, listed, verified, deleted as shown. */
export const logicalSetRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/logical-backups',
    title: 'Start a logical backup of databases, schemas or tables now (K-050, K-072)',
    access: { permission: 'run-backups' },
    status: 202,
    body: logicalBody.extend({ kind: logicalBody.shape.kind.default('logical-backup') }),
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const run = await startLogical(context, body, caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  ...readingRoutes(context),
  route({
    method: 'post',
    path: '/api/v1/logical-sets/{set}/verify',
    title: 'Read every byte of a logical set back and check it',
    access: { permission: 'run-backups' },
    status: 202,
    params: setParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => {
      const run = await startLogicalVerify(context, params.set, caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
  ...removalRoutes(context),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/logical-sets',
    title: 'Logical sets, newest first',
    access: { permission: 'read' },
    status: 200,
    query: z.object({ ...pageQuery, ...filterQuery }),
    answer: listShape(setAnswer),
    serve: async ({ query }) =>
      listOf(await listLogicalSets(context.catalog, pageRequestOf(query), await filterOf(context, query))),
  }),
  route({
    method: 'get',
    path: '/api/v1/logical-sets/{set}',
    title: 'One logical set',
    access: { permission: 'read' },
    status: 200,
    params: setParams,
    answer: setAnswer,
    serve: async ({ params }) => ({ answer: await getLogicalSet(context.catalog, params.set) }),
  }),
];

const removalRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/logical-removals',
    title: 'What would be deleted to keep the newest sets of a resource or a job; nothing is touched',
    access: { permission: 'read' },
    status: 200,
    query: z.object({ ...filterQuery, keep: z.coerce.number().pipe(keepShape).exactOptional() }),
    answer: z.object({ keep: keepShape, sets: z.array(setAnswer) }).meta({ id: 'LogicalRemoval' }),
    serve: async ({ query }) => {
      if (query.resource === undefined && query.job === undefined)
        throw fail('request_invalid', { pointer: '/resource', reason: 'a resource or a job is needed' });
      const keep = query.keep ?? (await keepOfJob(context, query.job));
      const sets = await logicalSetsBeyond(context.catalog, keep, await filterOf(context, query));
      return { answer: { keep, sets } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/logical-removals',
    title: 'Delete exactly these logical sets; what a run reads is kept and told',
    access: { permission: 'manage-pools' },
    status: 202,
    body: z.object({ sets: z.array(idShape('set')).min(1).max(1000) }),
    answer: runAnswer,
    serve: async ({ body, caller }) => {
      const run = await startLogicalRemoval(context, body.sets, caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

type Filter = Readonly<Partial<Record<keyof typeof filterQuery, string | undefined>>>;

async function filterOf({ catalog }: Context, { resource, pool, job }: Filter): Promise<LogicalSetFilter> {
  return {
    ...(resource === undefined ? {} : { resourceId: (await getResource(catalog, resource)).id }),
    ...(pool === undefined ? {} : { poolId: (await getPool(catalog, pool)).id }),
    ...(job === undefined ? {} : { jobId: (await getJob(catalog, job)).id }),
  };
}

async function keepOfJob({ catalog }: Context, job: string | undefined): Promise<number> {
  const spec = job === undefined ? undefined : (await getJob(catalog, job)).spec;
  const keep = spec?.kind === 'logical-backup' ? spec.keep : undefined;
  if (keep === undefined)
    throw fail('request_invalid', { pointer: '/keep', reason: 'how many sets are kept is needed' });
  return keep;
}
