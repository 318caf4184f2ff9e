import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { keptText } from '#core/transfer/kept.ts';
import type { SettleVerb } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { placedShape } from '#core/settings/shape/transfer.ts';
import { instantShape } from '#core/settings/shape/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
  resumeBufferOf,
  resumeBufferOptions,
  resumeBufferShape,
} from '#api/cli/commands/jobs/limit-words.ts';
import { demandReady, placeText } from '#api/cli/commands/place-words.ts';
import { pointOf, pointOptions, pointShape } from '#api/cli/commands/point-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

/** What goes into a live instance, and how: for every command that puts something there. */
export const transferOptions = {
  '--database <name...>': 'a whole database; may be repeated',
  '--schema <database.schema...>': 'a whole schema of a database; may be repeated',
  '--table <database.schema.table...>':
    'a table of a database; parts with dots in them in double quotes; may be repeated',
  '--as <name>': 'new name of the one database, schema or table; else it replaces what is live',
  '--into <resource>': 'instance that gets it; the source itself when absent',
  '--consent <name>': 'name of the instance that gets it, typed: something live is replaced',
  '--end-sessions': 'end sessions in a database at the moment it is replaced; without it they are a refusal',
  '--drop-old': 'drop what was replaced at once; else it is kept until `database-recovery confirm`',
};

export const transferArgsShape = {
  database: z.array(z.string()).default([]),
  schema: z.array(z.string()).default([]),
  table: z.array(z.string()).default([]),
  as: z.string().optional(),
  into: z.string().optional(),
  consent: z.string().optional(),
  endSessions: z.boolean().default(false),
  dropOld: z.boolean().default(false),
};

const recoveryShape = z.object({
  resource: z.string(),
  unlisted: z.boolean().default(false),
  ...pointShape,
  channels: z.coerce.number().int().optional(),
  ...transferArgsShape,
  ...limitShape,
  ...reconnectShape,
  ...resumeBufferShape,
});
type RecoveryArgs = z.output<typeof recoveryShape>;

const flags = {
  '--resource <resource>': 'whose sets and log are read',
  ...pointOptions,
  ...transferOptions,
  '--unlisted': 'what is wanted was made after the set and is dropped by now: only the log can have it',
  '--channels <n>': 'parallel streams of the scratch instance, 1 to 255 (1; K-106)',
  ...limitOptions('writes'),
  ...resumeBufferOptions,
  ...reconnectOptions,
};

export const transferPlanShape = z.looseObject({
  steps: z.array(z.string()),
  consent: z.string().optional(),
  findings: z.array(findingShape).default([]),
});

/** The steps of a plan, numbered, and what must be typed to execute it. */
export function transferPlanText({ steps, consent, findings }: z.output<typeof transferPlanShape>): string {
  const place = findings.length === 0 ? [] : ['', placeText(findings)];
  const end = consent === undefined ? [] : ['', `Executed with --consent ${consent}`];
  return [...steps.map((step, i) => `${String(i + 1).padStart(2)}. ${step}`), ...place, ...end].join('\n');
}

const listShape = z.looseObject({
  data: z.array(
    z.looseObject({
      ...{
        id: z.string(),
        resourceName: z.string().nullable(),
        kept: z.string(),
        closedAt: instantShape.nullable(),
      },
      placed: z.array(placedShape),
    }),
  ),
});

const path = '/api/v1/database-recoveries';

export function addDatabaseRecoveryCommands(program: Command, cli: Cli): void {
  const noun = program
    .command('database-recovery')
    .description('single databases and tables to a point in time, everything else untouched');
  addVerb(noun, cli, {
    usage: 'plan',
    title: 'print what a recovery would do, without touching anything; exit code 3 when there is no room for it',
    options: flags,
    shape: recoveryShape,
    act: async (_cli, args, isJson) => {
      const answer = await (await cli.client()).post(transferPlanShape, `${path}/plan`, bodyOf(args));
      cli.terminal.out(isJson ? JSON.stringify(answer, undefined, 2) : transferPlanText(answer));
      demandReady(answer.findings);
      return undefined;
    },
  });
  addVerb(noun, cli, {
    usage: 'run',
    title: 'recover databases or tables and put them into a live instance',
    options: { ...flags, ...waitOptions },
    shape: recoveryShape.extend(waitShape),
    act: (_cli, args, isJson) =>
      startAndWatch(cli, { path, body: bodyOf(args), wait: args.wait, timeout: args.timeout, isJson }),
  });
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'recoveries and logical restores, and what became of what they replaced',
    shape: z.object({}),
    act: async () => {
      const answer = await (await cli.client()).get(listShape, `${path}?limit=200`);
      const rows = answer.data.map(({ id, resourceName, kept, closedAt, placed }) => [
        ...[id, resourceName ?? '', placed.map(placedText).join(', '), kept],
        ...[placed.flatMap((one) => keptText(one) ?? []).join(', '), closedAt === null ? '' : timeText(closedAt)],
      ]);
      return { json: answer, text: tableOf(['RUN', 'INSTANCE', 'IN PLACE', 'OLD', 'KEPT AS', 'AT'], rows) };
    },
  });
  addSettleVerb(noun, cli, 'confirm', 'drop what a run replaced and kept');
  addSettleVerb(noun, cli, 'undo', 'put back what a run replaced; what it made is set aside, not dropped');
  addDiscardVerbs(noun, cli);
}

function addDiscardVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'discard-plan <run>',
    title: 'print what a discard would drop: what an undo of a run set aside',
    shape: z.object({ run: z.string() }),
    act: async (_cli, { run }) => {
      const answer = await (await cli.client()).get(transferPlanShape, `${path}/${run}/discard`);
      return { json: answer, text: transferPlanText(answer) };
    },
  });
  addVerb(noun, cli, {
    usage: 'discard <run>',
    title: 'drop what an undo of a run set aside',
    options: { '--consent <name>': 'name of the instance, typed', ...settleOptions },
    shape: settleShape.extend({ consent: z.string().optional() }),
    act: (_cli, { consent, ...args }, isJson) => settle(cli, { does: 'discard', args, consent, isJson }),
  });
}

const settleShape = z.object({
  run: z.string(),
  endSessions: z.boolean().default(false),
  ...reconnectShape,
  ...waitShape,
});

const settleOptions = {
  '--end-sessions': 'end sessions in the databases that are dropped or renamed',
  ...reconnectOptions,
  ...waitOptions,
};

function addSettleVerb(noun: Command, cli: Cli, does: 'confirm' | 'undo', title: string): void {
  addVerb(noun, cli, {
    usage: `${does} <run>`,
    title,
    options: settleOptions,
    shape: settleShape,
    act: (_cli, args, isJson) => settle(cli, { does, args, isJson }),
  });
}

interface Settling {
  readonly does: SettleVerb;
  readonly args: z.output<typeof settleShape>;
  readonly consent?: string | undefined;
  readonly isJson: boolean;
}

const settle = (cli: Cli, { does, args, consent, isJson }: Settling) =>
  startAndWatch(cli, {
    path: `${path}/${args.run}/${does}`,
    body: {
      endsSessions: args.endSessions,
      ...reconnectOf(args.reconnect),
      ...(consent === undefined ? {} : { consent }),
    },
    ...{ wait: args.wait, timeout: args.timeout, isJson },
  });

function bodyOf(args: RecoveryArgs) {
  const { resource, channels } = args;
  return {
    ...{ resource, ...pointOf(args), channels, limits: limitsOf(args), isUnlisted: args.unlisted },
    ...transferBodyOf(args),
    ...resumeBufferOf(args.resumeBuffer),
    ...reconnectOf(args.reconnect),
  };
}

/** The part of a body that says what goes where. */
export function transferBodyOf(args: z.output<z.ZodObject<typeof transferArgsShape>>) {
  const { database, schema, table, as, into, consent } = args;
  return {
    ...{ databases: database, schemas: schema.map(schemaNamed), tables: table.map(tableNamed), as, into, consent },
    ...{ endsSessions: args.endSessions, dropsOld: args.dropOld },
  };
}

const part = '(?:"((?:[^"]|"")+)"|([^".]+))';
const wordsIn = (text: string, count: number, expected: string): readonly string[] => {
  const found = new RegExp(`^${Array.from({ length: count }, () => part).join('\\.')}$`).exec(text);
  if (found === null) throw fail('value_malformed', { text, what: 'name', expected });
  return Array.from(
    { length: count },
    (_, i) => (found[2 * i + 1] ?? '').replaceAll('""', '"') || (found[2 * i + 2] ?? ''),
  );
};

/** `database.schema.table`. Throws `value_malformed`. */
function tableNamed(text: string) {
  const [database = '', schema = '', table = ''] = wordsIn(text, 3, 'database.schema.table');
  return { database, schema, table };
}

/** `database.schema`. Throws `value_malformed`. */
function schemaNamed(text: string) {
  const [database = '', schema = ''] = wordsIn(text, 2, 'database.schema');
  return { database, schema };
}
