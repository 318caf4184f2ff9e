import type { Command } from 'commander';
import { z } from 'zod';
import { planShape } from '#core/settings/plan.ts';
import { instantShape } from '#core/settings/shape/words.ts';
import { changedJobAnswer, jobAnswer } from '#api/routes/jobs.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import type { ApiClient } from '#api/cli/client.ts';
import { tableOf } from '#api/cli/terminal.ts';
import { addJobCreation } from './job-create.ts';
import { addJobEditVerb } from './job-edit.ts';
import { changedText, jobText, pathOfJob, planWords, stateOf } from './job-words.ts';
import { timeOfPlan } from './plan-times.ts';
import { planFields, planOfArgs, planOptions } from './plan-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const oneJob = z.object({ job: z.string() });

/** `holdfast job …`: what runs, when, and every operation on it (K-078, K-100). */
export function addJobCommands(program: Command, cli: Cli): void {
  const noun = program.command('job').description('jobs: what runs, and when');
  addJobCreation(noun, cli);
  addReading(noun, cli);
  addPreviewVerb(noun, cli);
  addJobEditVerb(noun, cli);
  addVerb(noun, cli, {
    usage: 'clone <job> <name>',
    title: 'clone a backup job under another name; the clone is disabled until it is enabled',
    shape: z.object({ job: z.string(), name: z.string() }),
    act: (_cli, { job, name }) => changed(cli, `${pathOfJob(job)}/clone`, { name }),
  });
  for (const [verb, title] of Object.entries(titles))
    addVerb(noun, cli, {
      usage: `${verb} <job>`,
      title,
      shape: oneJob,
      act: (_cli, { job }) => changed(cli, `${pathOfJob(job)}/${verb}`),
    });
  addVerb(noun, cli, {
    usage: 'rm <job>',
    title: 'delete a job; its runs and sets stay, and a run under way goes on',
    shape: oneJob,
    act: async (_cli, { job }) => {
      const answer = await (await cli.client()).remove(z.object({ schedule: z.string() }), pathOfJob(job));
      return { json: answer, text: `Job ${job} is deleted; its runs and sets stay.` };
    },
  });
  addVerb(noun, cli, {
    usage: 'start <job>',
    title: 'start a job now, whatever its plan says',
    options: waitOptions,
    shape: oneJob.extend(waitShape),
    act: (_cli, { job, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `${pathOfJob(job)}/runs`, wait, timeout, isJson }),
  });
}

const titles = {
  enable: 'let the plan of a job start runs again',
  disable: 'keep the plan of a job from starting runs; `job start` still does',
} as const;

function addReading(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list jobs with their plan and next run',
    options: {
      '--resource <resource>': 'only of this resource',
      '--all': 'those of runs that were started by hand, and deleted ones, too',
      '--limit <n>': 'so many at most (all)',
      '--ids': 'with the id of each job; every command takes its name',
    },
    shape: z.object({
      ...{ resource: z.string().optional(), all: z.boolean().default(false) },
      ...{ limit: z.coerce.number().int().min(1).default(100_000), ids: z.boolean().default(false) },
    }),
    act: async (_cli, { resource, all, limit, ids }) => {
      const of = { all: String(all), ...(resource === undefined ? {} : { resource }) };
      const data = await listed(await cli.client(), of, limit);
      const rows = data.map((job) => [
        job.name,
        job.spec.kind,
        planWords(job),
        stateOf(job),
        timeOfPlan(job.nextRuns[0], job.plan),
        ...(ids ? [job.id] : []),
      ]);
      const headings = ['NAME', 'KIND', 'PLAN', 'STATE', 'NEXT RUN', ...(ids ? ['ID'] : [])];
      return { json: data, text: tableOf(headings, rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <job>',
    title: 'show a job with its next ten runs',
    shape: oneJob,
    act: async (_cli, { job }) => {
      const row = await (await cli.client()).get(jobAnswer, pathOfJob(job));
      return { json: row, text: jobText(row) };
    },
  });
  addVerb(noun, cli, {
    usage: 'next <job>',
    title: 'print the next ten runs of a job',
    shape: oneJob,
    act: async (_cli, { job }) => {
      const { nextRuns, plan } = await (await cli.client()).get(jobAnswer, pathOfJob(job));
      return {
        json: nextRuns,
        text: nextRuns.length === 0 ? 'Nothing is planned.' : nextRuns.map((at) => timeOfPlan(at, plan)).join('\n'),
      };
    },
  });
}

const pageSize = 200;

async function listed(client: ApiClient, of: Readonly<Record<string, string>>, limit: number) {
  const jobs: z.output<typeof jobAnswer>[] = [];
  for (let cursor: string | null = ''; cursor !== null && jobs.length < limit;) {
    const page = { limit: String(Math.min(pageSize, limit - jobs.length)), ...(cursor === '' ? {} : { cursor }) };
    const query: string = new URLSearchParams({ ...of, ...page }).toString();
    const answer: z.output<typeof jobList> = await client.get(jobList, `/api/v1/jobs?${query}`);
    jobs.push(...answer.data);
    cursor = answer.nextCursor;
  }
  return jobs;
}

const jobList = listShape(jobAnswer);

function addPreviewVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'preview',
    title: 'print the next ten runs of a plan, before it is that of a job',
    options: planOptions,
    shape: z.object(planFields),
    act: async (_cli, args) => {
      const shape = z.object({ plan: planShape, words: z.string(), nextRuns: z.array(instantShape) });
      const preview = await (await cli.client()).post(shape, '/api/v1/schedules/preview', { plan: planOfArgs(args) });
      return {
        json: preview,
        text: [preview.words, ...preview.nextRuns.map((at) => timeOfPlan(at, preview.plan))].join('\n'),
      };
    },
  });
}

/** Posts a change of a job and says what it is now. */
async function changed(cli: Cli, path: string, body?: unknown): Promise<Said> {
  const answer = await (await cli.client()).post(changedJobAnswer, path, body);
  return { json: answer, text: changedText(answer) };
}
