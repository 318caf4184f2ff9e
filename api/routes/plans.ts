import { z } from 'zod';
import { backupOptionsShape } from '#core/settings/backup-options.ts';
import type { JobContent } from '#catalog/jobs.ts';
import { keptJobs } from '#catalog/jobs.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import { instantFromMs, microsOfInstant } from '#core/instant.ts';
import { demandSensible } from '#core/plan/check-plan.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import { planText } from '#core/plan/plan-text.ts';
import { planBody, planOf, planShape } from '#core/settings/plan.ts';
import { instantShape } from '#core/settings/shape/words.ts';
import type { Context } from '../context.ts';
import type { NewJob } from '../jobs/change-jobs.ts';
import { prepareJob, saveJobs } from '../jobs/change-jobs.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { changedAnswer, changedJobAnswer } from './jobs.ts';

const strategyBody = z.object({
  resource: z.string(),
  pool: z.string(),
  zone: z.string().max(60),
  isDryRun: z.boolean().default(false),
});

const plannedJob = z.object({ name: z.string(), plan: planShape, words: z.string(), nextRuns: z.array(instantShape) });

/** Plans before they are those of jobs. */
export const planRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/schedules/preview',
    title: 'The next runs of a plan, without saving anything; refused as it would be in a job (K-074)',
    access: { permission: 'read' },
    status: 200,
    body: z.object({
      plan: planBody,
      after: instantShape.meta({ description: 'runs after this time; now when absent' }).exactOptional(),
      count: z.number().int().min(1).max(100).default(10),
    }),
    answer: z
      .object({ plan: planShape, words: z.string(), nextRuns: z.array(instantShape) })
      .meta({ id: 'PlanPreview' }),
    serve: ({ body: { plan: asked, after, count } }) => {
      const nowMs = context.clock.nowMs();
      const plan = planOf(asked, nowMs);
      demandSensible(plan, nowMs);
      const from = after === undefined ? nowMs : microsOfInstant(after) / 1000;
      const runs = nextRuns(plan, from, count).map(instantFromMs);
      return Promise.resolve({ answer: { plan, words: planText(plan), nextRuns: runs } });
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/strategies',
    title:
      'Create the recommended jobs of a resource: full weekly, incremental daily, log hourly (K-058, K-059, K-060)',
    access: { permission: 'run-backups' },
    status: 200,
    body: strategyBody,
    answer: z
      .object({ planned: z.array(plannedJob), jobs: z.array(changedJobAnswer) })
      .meta({ id: 'Strategy', description: 'without jobs when it was only asked what they would be' }),
    serve: async ({ body, caller }) => {
      const asked = await strategyOf(context, body);
      const contents = await Promise.all(asked.map((job) => prepareJob(context, job, caller)));
      const planned = contents.map(({ name, plan }) => ({
        ...{ name, plan, words: planText(plan) },
        nextRuns: nextRuns(plan, context.clock.nowMs(), 3).map(instantFromMs),
      }));
      if (body.isDryRun) return { answer: { planned, jobs: [] } };
      await demandNewNames(context, contents);
      const jobs = await saveJobs(context, contents);
      return { answer: { planned, jobs: await Promise.all(jobs.map((job) => changedAnswer(context, job))) } };
    },
  }),
];

/** The recommended jobs are made once. Throws `strategy_applied`. */
async function demandNewNames({ catalog }: Context, contents: readonly JobContent[]): Promise<void> {
  const wanted = new Set(contents.map(({ name }) => name));
  const taken = (await keptJobs(catalog)).map(({ name }) => name).filter((name) => wanted.has(name));
  if (taken.length > 0) throw fail('strategy_applied', { jobs: taken.join(', ') });
}

type StrategyBody = z.output<typeof strategyBody>;

/** Full on Sunday at 01:00, incremental at 02:00 on the other days, log every hour. */
async function strategyOf(
  { catalog }: Context,
  { resource: named, pool: into, zone }: StrategyBody,
): Promise<NewJob[]> {
  const [resource, pool] = [await getResource(catalog, named), await getPool(catalog, into)];
  const head = { resource: resource.id, pool: pool.id, options: backupOptionsShape.parse({}) };
  const weekly = { type: 'weekly' as const, zone, everyWeeks: 1 };
  const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
  const hourly = { type: 'hourly' as const, zone, from: '00:00', to: '23:59', everyMinutes: 60 };
  const job = (suffix: string, plan: NewJob['plan'], work: object): NewJob => ({
    ...{ name: `${resource.name}-${suffix}`.slice(0, 80), plan, isEnabled: true },
    work: { ...work, ...head },
  });
  return [
    job('full', { ...weekly, at: '01:00', weekdays: ['sun'] }, { kind: 'full-backup' }),
    job(
      'incremental',
      { ...weekly, at: '02:00', weekdays: [...weekdays] },
      { kind: 'incremental-backup', type: 'differential' },
    ),
    job('log', hourly, { kind: 'log-backup' }),
  ];
}
