import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { isPart, nearParts, partsOf } from '#core/settings/known-parts.ts';
import { planBody } from '#core/settings/plan.ts';
import { kindOfWork } from '#api/jobs/job-kinds.ts';
import { changedJobAnswer, jobAnswer } from '#api/routes/jobs.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
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
        ...(set.length === 0 ? {} : { work: withParts(work ?? {}, set) }),
      };
      const answer = await client.put(changedJobAnswer, pathOfJob(id), body);
      return { json: answer, text: changedText(answer) };
    },
  });
}

/** A part that the kind of work does not have is refused: it would be dropped without a word. Throws `part_unknown`. */
export function withParts(work: Part, texts: readonly string[]): Part {
  const made = texts.reduce(withPart, work);
  demandParts(made, texts.flatMap(pathsOf));
  return made;
}

/** Throws `part_unknown`, with what may have been meant. */
export function demandParts(work: Part, paths: readonly string[]): void {
  const { kind, body } = kindOfWork(work);
  const parts = partsOf(body);
  const path = paths.find((one) => !isPart(parts, one));
  if (path !== undefined) throw fail('part_unknown', { kind, path, near: nearParts(parts, path).join(', ') });
}

/** The paths that a part sets: its own, and those of the members of its value. */
function pathsOf(text: string): readonly string[] {
  const { path, value } = readPart(text);
  return isObject(value) ? [path, ...pathsIn(value, `${path}.`)] : [path];
}

/** The paths of all members, of members of them, and so on. */
export const pathsIn = (value: Part, above = ''): readonly string[] =>
  Object.entries(value).flatMap(([key, member]) => [
    `${above}${key}`,
    ...(isObject(member) ? pathsIn(member, `${above}${key}.`) : []),
  ]);

type Part = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `options.channels=4` over `{options: {channels: 1}}`. Throws `value_malformed`. */
export function withPart(work: Part, text: string): Part {
  const { path, value } = readPart(text);
  return put(work, path.split('.'), value);
}

/** Throws `value_malformed`. */
function readPart(text: string): { readonly path: string; readonly value: unknown } {
  const [, path, value] = /^([A-Za-z][\w.]*)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined)
    throw fail('value_malformed', { text, what: '--set', expected: 'options.channels=4' });
  return { path, value: parsed(value) };
}

function put(part: Part, [key = '', ...rest]: readonly string[], value: unknown): Part {
  const below = part[key];
  return { ...part, [key]: rest.length === 0 ? value : put(isObject(below) ? below : {}, rest, value) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: a text.
    return text;
  }
}
