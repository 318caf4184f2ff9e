import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { kindsOfWork } from '#api/jobs/job-kinds.ts';
import { changedJobAnswer } from '#api/routes/jobs.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { targetFields, targetOptions } from '#api/cli/commands/drills/drill-target.ts';
import { backupBody, backupOptions, backupShape } from '#api/cli/commands/backup.ts';
import { demandParts, pathsIn } from './job-edit.ts';
import { changedText } from './job-words.ts';
import { planFields, planOfArgs, planOptions, restorePlanFields, restorePlanOptions } from './plan-words.ts';
import { restoreBodyOf, restoreOptions, restoreShape } from '#api/cli/commands/restore.ts';
import { parseSize } from './scrub.ts';

const common = { disabled: z.boolean().default(false), name: z.string().optional() };
const disabledOption = { '--disabled': 'its plan starts nothing until `job enable`' };

/** `holdfast job create <kind>`: the options of the command that starts such a run by hand, and a plan. */
export function addJobCreation(noun: Command, cli: Cli): void {
  const create = noun.command('create').description('create a job of a kind');
  addVerb(create, cli, {
    usage: 'backup [name]',
    title: 'create a backup job (K-074, K-076)',
    options: { ...backupOptions, ...planOptions, ...disabledOption },
    shape: backupShape.extend({ ...planFields, ...common }),
    act: (_cli, { name, disabled, ...args }) => {
      const { resource, type } = args;
      const plan = planOfArgs(args);
      return saved(cli, { name: name ?? `${resource}-${type}`, plan, work: backupBody(args), isEnabled: !disabled });
    },
  });
  addVerb(create, cli, {
    usage: 'restore <job>',
    title: 'create a restore job; started by hand it is planned anew each time (K-099, K-100)',
    options: { ...restoreOptions, ...restorePlanOptions, ...disabledOption },
    shape: restoreShape.extend({ ...restorePlanFields, job: z.string(), disabled: z.boolean().default(false) }),
    act: (_cli, { job, disabled, plan: type, runDate, runAt, zone, ...args }) => {
      const plan = planOfArgs({ plan: type, date: runDate, at: runAt, zone }, undefined, '--run-');
      return saved(cli, { name: job, plan, work: { kind: 'restore', ...restoreBodyOf(args) }, isEnabled: !disabled });
    },
  });
  addPoolJobs(create, cli);
  addOtherJobs(create, cli);
}

function addOtherJobs(create: Command, cli: Cli): void {
  addVerb(create, cli, {
    usage: 'drill <resource> [name]',
    title: 'create a drill job: the newest set and all log on a scratch instance, checked and told of (K-105)',
    options: {
      '--host <host>': 'where it is restored (the host of the resource)',
      '--pool <pool>': 'where from (the pool with the newest set)',
      ...{ ...targetOptions, ...planOptions, ...disabledOption },
    },
    shape: z.object({
      ...{ ...planFields, ...common, resource: z.string(), host: z.string().optional(), pool: z.string().optional() },
      ...targetFields,
    }),
    act: (_cli, { name, disabled, resource, host, pool, target, afterwards, ...args }) => {
      const where = {
        ...{ ...(host === undefined ? {} : { host }), ...(pool === undefined ? {} : { pool }) },
        ...{ ...(target === undefined ? {} : { target }), ...(afterwards === undefined ? {} : { afterwards }) },
      };
      const work = { kind: 'drill', resource, ...where };
      return saved(cli, { name: name ?? `${resource}-drill`, plan: planOfArgs(args), work, isEnabled: !disabled });
    },
  });
  addVerb(create, cli, {
    usage: 'other <name>',
    title: 'create a job of any kind from the body that the API takes, e.g. a logical backup or a log restore',
    options: {
      '--work <json>': `e.g. '{"kind":"logical-backup","resource":"main","pool":"safe"}'; docs/reference/openapi.json: JobWork`,
      ...{ ...planOptions, ...disabledOption },
    },
    shape: z.object({ ...planFields, disabled: common.disabled, name: z.string(), work: z.string() }),
    act: (_cli, { name, disabled, work, ...args }) =>
      saved(cli, { name, plan: planOfArgs(args), work: workOf(work), isEnabled: !disabled }),
  });
}

/** Throws `value_malformed`, `part_unknown`. */
function workOf(text: string): unknown {
  const work = parsedWork(text);
  if (isKnownKind(work)) demandParts(work, pathsIn(work));
  return work;
}

/** What has no kind, or one that no job has, is left to the API to refuse. */
const isKnownKind = (work: unknown): work is Readonly<Record<string, unknown>> =>
  typeof work === 'object' && work !== null && 'kind' in work && kindsOfWork.some((kind) => kind === work.kind);

function parsedWork(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('value_malformed', { text, what: '--work', expected: 'JSON' }, cause);
  }
}

/** Jobs of pools, without a database. */
function addPoolJobs(create: Command, cli: Cli): void {
  addVerb(create, cli, {
    usage: 'scrub <pool> [name]',
    title: 'create a job that reads sets and log of a pool back',
    options: {
      '--budget <size>': 'stored bytes after which a run ends, e.g. 10GiB; the next one goes on there (everything)',
      '--depth <full|page>': 'full: every byte; page: page checksums of relation files too (full)',
      '--new-full': 'damage that no later good full makes up for starts a full backup',
      ...{ ...planOptions, ...disabledOption },
    },
    shape: z.object({
      ...{ ...planFields, ...common, pool: z.string(), budget: z.string().optional() },
      ...{ depth: z.enum(['full', 'page']).default('full'), newFull: z.boolean().default(false) },
    }),
    act: (_cli, { name, disabled, pool, budget, depth, newFull, ...args }) => {
      const limit = budget === undefined ? {} : { budgetBytes: parseSize(budget) };
      const work = { kind: 'scrub', pool, depth, isFollowedByFull: newFull, ...limit };
      return saved(cli, { name: name ?? `scrub-${pool}`, plan: planOfArgs(args), work, isEnabled: !disabled });
    },
  });
  addVerb(create, cli, {
    usage: 'pool-copy <from> <to> [name]',
    title: 'create a job that copies every good set and the log of a pool to another one (K-005)',
    options: {
      '--without-log': 'sets only',
      '--host <host>': 'host that copies; one that reaches both pools when absent',
      ...{ ...planOptions, ...disabledOption },
    },
    shape: z.object({
      ...{ ...planFields, ...common, from: z.string(), to: z.string() },
      ...{ withoutLog: z.boolean().default(false), host: z.string().optional() },
    }),
    act: (_cli, { name, disabled, from, to, withoutLog, host, ...args }) => {
      const where = host === undefined ? {} : { host };
      const work = { kind: 'pool-copy', pool: from, to, all: true, log: !withoutLog, ...where };
      return saved(cli, { name: name ?? `copy-${from}-${to}`, plan: planOfArgs(args), work, isEnabled: !disabled });
    },
  });
}

async function saved(cli: Cli, body: unknown): Promise<Said> {
  const answer = await (await cli.client()).post(changedJobAnswer, '/api/v1/jobs', body);
  return { json: answer, text: changedText(answer) };
}
