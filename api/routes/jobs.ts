import { z } from 'zod';
import type { JobRow } from '#catalog/jobs.ts';
import { getJob, getKeptJob, isKept, jobShape, listJobs } from '#catalog/jobs.ts';
import { namesIn } from '#catalog/resources/names.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { instantFromMs } from '#core/instant.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import { planBody } from '#core/settings/plan.ts';
import { countShape, instantShape, nameShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { ChangedJob } from '../jobs/change-jobs.ts';
import { cloneJob, editJob, prepareJob, removeJob, saveJob, setEnabled, startJob } from '../jobs/change-jobs.ts';
import { workBody } from '../jobs/job-kinds.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { runAnswer } from './runs/runs.ts';
import { listOf, listShape, pageQuery, pageRequestOf } from './words.ts';

const scheduleState = z
  .enum(['in-step', 'pending'])
  .meta({ description: 'pending: Temporal is away; the job is saved, and its schedule follows when it is back' });
/** A job with the next times of its plan. */
export const jobAnswer = jobShape
  .extend({
    nextRuns: z.array(instantShape),
    names: z
      .record(z.string(), z.string())
      .meta({ description: 'names of what its work speaks of, by id; not in lists' })
      .exactOptional(),
  })
  .meta({ id: 'Job' });
export const changedJobAnswer = jobAnswer
  .extend({ schedule: scheduleState, run: runAnswer.exactOptional() })
  .meta({ id: 'ChangedJob' });

const jobParams = z.object({ job: z.string().meta({ description: 'id, or name of a job that is kept' }) });
export const jobBody = z.object({
  name: nameShape,
  plan: planBody,
  work: workBody,
  isEnabled: z.boolean().default(true),
});

const shownNext = 10;

/** The next times of a job; none of one that is disabled or deleted. */
export const withNextRuns = <J extends JobRow>({ clock }: Context, job: J, count = shownNext) => ({
  ...job,
  nextRuns: isKept(job) && job.isEnabled ? nextRuns(job.plan, clock.nowMs(), count).map(instantFromMs) : [],
});
/** With the names of what its work speaks of, which people read instead of ids. */
const named = async <J extends JobRow>(context: Context, job: J) => ({
  ...withNextRuns(context, job),
  names: { ...(await namesIn(context.catalog, [job.work, job.spec])) },
});
export const changedAnswer = async (context: Context, { job, schedule, run }: ChangedJob) => ({
  ...(await named(context, job)),
  ...(run === undefined ? { schedule } : { schedule, run }),
});

/** Jobs: what the runs execute, when, and in which revision. A run started by hand has an ad-hoc job of its own. */
export const jobRoutes = (context: Context): Route[] => [
  ...readingRoutes(context),
  ...changingRoutes(context),
  verbRoute(context, 'enable'),
  verbRoute(context, 'disable'),
  route({
    method: 'post',
    path: '/api/v1/jobs/{job}/clone',
    title: 'Clone a backup job under another name; the clone is disabled (K-078)',
    access: { permission: 'run-backups' },
    status: 201,
    params: jobParams,
    body: z.object({ name: nameShape }),
    answer: changedJobAnswer,
    serve: async ({ params, body, caller }) => {
      const changed = await cloneJob(context, await getKeptJob(context.catalog, params.job), body.name, caller);
      return { answer: await changedAnswer(context, changed), location: `/api/v1/jobs/${changed.job.id}` };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/jobs/{job}/runs',
    title: 'Start a job now, whatever its plan says; a disabled one too (K-078, K-100)',
    access: { permission: 'run-backups' },
    status: 202,
    params: jobParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => {
      const run = await startJob(context, await getKeptJob(context.catalog, params.job), caller);
      return { answer: run, location: `/api/v1/runs/${run.id}` };
    },
  }),
];

const readingRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/api/v1/jobs',
    title: 'Jobs with their current revision and next run, newest first',
    access: { permission: 'read' },
    status: 200,
    query: z.object({
      ...pageQuery,
      all: z
        .enum(['true', 'false'])
        .meta({ description: 'jobs of runs that were started by hand, and deleted ones, too' })
        .default('false'),
      resource: z.string().optional(),
    }),
    answer: listShape(jobAnswer),
    serve: async ({ query }) => {
      const { resource } = query;
      const of = resource === undefined ? {} : { resourceId: (await getResource(context.catalog, resource)).id };
      const filter = { isAll: query.all === 'true', ...of };
      const page = await listJobs(context.catalog, pageRequestOf(query), filter);
      return listOf({ ...page, data: page.data.map((job) => withNextRuns(context, job, 1)) });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/jobs/{job}',
    title: 'One job with its current revision and its next ten runs',
    access: { permission: 'read' },
    status: 200,
    params: jobParams,
    answer: jobAnswer,
    serve: async ({ params }) => ({ answer: await named(context, await getJob(context.catalog, params.job)) }),
  }),
];

const changingRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/jobs',
    title: 'Create a job with one of the seven plans; an immediate one starts at once (K-004, K-074, K-076)',
    access: { permission: 'run-backups' },
    status: 201,
    body: jobBody,
    answer: changedJobAnswer,
    serve: async ({ body, caller }) => {
      const changed = await saveJob(context, await prepareJob(context, body, caller), body.isEnabled, caller);
      return { answer: await changedAnswer(context, changed), location: `/api/v1/jobs/${changed.job.id}` };
    },
  }),
  route({
    method: 'put',
    path: '/api/v1/jobs/{job}',
    title: 'Change a job: a new revision; runs under way keep theirs, and what is absent stays (K-078)',
    access: { permission: 'run-backups' },
    status: 200,
    params: jobParams,
    body: z.object({
      revision: countShape.meta({ description: 'the revision that was looked at; refused when there is a newer one' }),
      name: nameShape.exactOptional(),
      plan: planBody.exactOptional(),
      work: workBody.exactOptional(),
    }),
    answer: changedJobAnswer,
    serve: async ({ params, body, caller }) => {
      const job = await getKeptJob(context.catalog, params.job);
      return { answer: await changedAnswer(context, await editJob(context, job, body, caller)) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/jobs/{job}',
    title: 'Delete a job; its runs and sets stay, and a run under way goes on (K-078)',
    access: { permission: 'run-backups' },
    status: 200,
    params: jobParams,
    answer: z.object({ schedule: scheduleState }).meta({ id: 'DeletedJob' }),
    serve: async ({ params }) => {
      const job = await getKeptJob(context.catalog, params.job);
      return { answer: { schedule: await removeJob(context, job) } };
    },
  }),
];

const titles = {
  enable: 'Let the plan of a job start runs again',
  disable: 'Keep the plan of a job from starting runs; by hand it still can be',
} as const;

const verbRoute = (context: Context, verb: keyof typeof titles): Route =>
  route({
    method: 'post',
    path: `/api/v1/jobs/{job}/${verb}`,
    title: titles[verb],
    access: { permission: 'run-backups' },
    status: 200,
    params: jobParams,
    answer: changedJobAnswer,
    serve: async ({ params }) => {
      const job = await getKeptJob(context.catalog, params.job);
      return { answer: await changedAnswer(context, await setEnabled(context, job, verb === 'enable')) };
    },
  });
