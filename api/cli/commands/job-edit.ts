import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { planBody } from '#core/settings/plan.ts';
import { changedJobAnswer, jobAnswer } from '../../routes/jobs.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { changedText, pathOfJob } from './job-words.ts';
import { planFields, planOfArgs, planOptions } from './plan-words.ts';

/** `holdfast job edit`: what is not typed stays as it is. */
export function addJobEditVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'edit <job>',
    title: 'change plan, name or work of a job; runs under way keep the revision that they have',
    options: {
      ...planOptions,
      '--rename <name>': 'another name',
      '--set <path=value...>':
        'a part of its work as `job show` prints it, e.g. options.channels=4 or pool=vault2; a value that is not JSON is text',
    },
    shape: z.object({
      ...{ ...planFields, job: z.string(), rename: z.string().optional() },
      set: z.array(z.string()).default([]),
    }),
    act: async (_cli, { job, rename, set, ...args }) => {
      const client = await cli.client();
      const { revision, plan: before, work, id } = await client.get(jobAnswer, pathOfJob(job));
      const plan = planOfArgs(args, before === null ? undefined : planBody.parse(before));
      const body = {
        revision,
        ...(rename === undefined ? {} : { name: rename }),
        ...(plan === undefined ? {} : { plan }),
        ...(set.length === 0 ? {} : { work: set.reduce(withPart, work ?? {}) }),
      };
      const answer = await client.put(changedJobAnswer, pathOfJob(id), body);
      return { json: answer, text: changedText(answer) };
    },
  });
}

type Part = Readonly<Record<string, unknown>>;

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `options.channels=4` over `{options: {channels: 1}}`. Throws `value_malformed`. */
export function withPart(work: Part, text: string): Part {
  const [, path, value] = /^([A-Za-z][\w.]*)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined)
    throw fail('value_malformed', { text, what: '--set', expected: 'options.channels=4' });
  return put(work, path.split('.'), parsed(value));
}

function put(part: Part, [key = '', ...rest]: readonly string[], value: unknown): Part {
  const below = part[key];
  return { ...part, [key]: rest.length === 0 ? value : put(isPart(below) ? below : {}, rest, value) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: a text.
    return text;
  }
}
