import { z } from 'zod';
import { getJob, jobShape, listJobs } from '#catalog/jobs.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { listOf, listShape, pageQuery, pageRequestOf } from './words.ts';

const job = jobShape.meta({ id: 'Job' });

/** Jobs: what the runs execute. A run started by hand has an ad-hoc job of its own, so nothing runs without a revision. */
export const jobRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/jobs',
    title: 'Jobs with their current revision, newest first',
    access: { permission: 'read' },
    status: 200,
    query: z.object(pageQuery),
    answer: listShape(job),
    serve: async ({ query }) => listOf(await listJobs(context.catalog, pageRequestOf(query))),
  }),
  route({
    method: 'get',
    path: '/api/v1/jobs/{job}',
    title: 'One job with its current revision',
    access: { permission: 'read' },
    status: 200,
    params: z.object({ job: idShape('job') }),
    answer: job,
    serve: async ({ params }) => ({ answer: await getJob(context.catalog, params.job) }),
  }),
];
