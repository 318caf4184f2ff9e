import { addRunEvents, getRun } from '#catalog/runs/runs.ts';
import { formatLimits } from '#core/settings/rate-text.ts';
import { rateLimitsShape } from '#core/settings/shape/progress.ts';
import type { Context } from '#api/context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { openRun, runAnswer, runParams } from './runs.ts';
import { nameOf } from '#api/routes/words.ts';

/** What may be changed while a run works; each change is a line in its log. */
export const runControlRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/runs/{run}/throttle',
    title: 'Change rate limits of a running run; in force within 2 s, what is absent stays as it is (K-085, K-086)',
    access: { permission: 'run-backups' },
    status: 202,
    params: runParams,
    body: rateLimitsShape,
    answer: runAnswer,
    serve: async ({ params, body, caller }) => {
      const run = await openRun(context, params);
      await context.runs.throttle(run.id, body);
      const message = `${nameOf(caller)} changed the limits: ${formatLimits(body)}`;
      await addRunEvents(context.catalog, run.id, [{ level: 'info', message }]);
      return { answer: run };
    },
  }),
  pauseRoute(context, 'pause'),
  pauseRoute(context, 'resume'),
];

const titles = {
  pause: 'Pause the work of a run: it reads, writes and sends nothing, and keeps what it holds',
  resume: 'Let a paused run go on',
} as const;

const pauseRoute = (context: Context, verb: keyof typeof titles): Route =>
  route({
    method: 'post',
    path: `/api/v1/runs/{run}/${verb}`,
    title: titles[verb],
    access: { permission: 'run-backups' },
    status: 202,
    params: runParams,
    answer: runAnswer,
    serve: async ({ params, caller }) => {
      const { id } = await openRun(context, params);
      await context.runs.setPaused(id, verb === 'pause');
      const message = `${nameOf(caller)} ${verb === 'pause' ? 'paused it' : 'let it go on'}`;
      await addRunEvents(context.catalog, id, [{ level: 'info', message }]);
      return { answer: await getRun(context.catalog, id) };
    },
  });
