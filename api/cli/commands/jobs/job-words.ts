import type { z } from 'zod';
import type { JobRow } from '#catalog/jobs.ts';
import { planText } from '#core/plan/plan-text.ts';
import type { changedJobAnswer, jobAnswer } from '#api/routes/jobs.ts';
import { nextOfStarted } from '#api/cli/commands/runs/next-words.ts';
import { timeOfPlan } from './plan-times.ts';

export const pathOfJob = (job: string): string => `/api/v1/jobs/${encodeURIComponent(job)}`;

type ShownJob = z.output<typeof jobAnswer>;
export const planWords = ({ plan }: JobRow): string => (plan === null ? 'by hand, once' : planText(plan));
export const stateOf = ({ deletedAt, isEnabled }: JobRow): string =>
  deletedAt !== null ? 'deleted' : isEnabled ? 'enabled' : 'disabled';

/** A job as lines of text. */
export function jobText(job: ShownJob): string {
  const { names = {} } = job;
  const work = partsOf(job.work ?? job.spec).map((part) => `  ${withNames(part, names)}`);
  return [
    `job      ${job.name} (${job.id})`,
    `state    ${stateOf(job)}, revision ${String(job.revision)} by ${job.createdBy}`,
    `plan     ${planWords(job)}`,
    'work',
    ...work,
    ...job.nextRuns.map((at, i) => `${i === 0 ? 'next    ' : '        '} ${timeOfPlan(at, job.plan)}`),
  ].join('\n');
}

/** `pool: safe (pool_…)`: commands take either. */
const withNames = (text: string, names: Readonly<Record<string, string>>): string =>
  Object.entries(names).reduce((said, [id, name]) => said.replaceAll(id, `${name} (${id})`), text);

/** A line for each part, by the path that `job edit --set` takes. */
const partsOf = (work: object, above = ''): string[] =>
  Object.entries(work).flatMap(([key, value]: [string, unknown]) => {
    const path = `${above}${key}`;
    if (Array.isArray(value)) return [`${path}: ${value.map(wordOf).join(', ')}`];
    return typeof value === 'object' && value !== null ? partsOf(value, `${path}.`) : [`${path}: ${wordOf(value)}`];
  });

const wordOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? partsOf(value).join(' ') : String(value);

/** What a job is after a change. */
export function changedText(job: z.output<typeof changedJobAnswer>): string {
  const pending =
    job.schedule === 'pending' ? ['Temporal is away: it is saved, and runs by its plan when Temporal is back.'] : [];
  const started = job.run === undefined ? [] : [`run      ${job.run.id}`, `next     ${nextOfStarted(job.run.id)}`];
  return [jobText(job), ...started, ...pending].join('\n');
}
