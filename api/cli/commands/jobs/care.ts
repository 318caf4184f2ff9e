import type { Command } from 'commander';
import { z } from 'zod';
import type { MarkKind, MarkOfSet } from '#core/care/mark.ts';
import { parseInstant } from '#core/instant.ts';
import { bug } from '#core/errors/fail.ts';
import { carePlanShape, markShape } from '#core/settings/shape/care.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { planText } from './care-plan-text.ts';
import { inPool, poolOption, poolShape } from '#api/cli/commands/pools/pool-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const oneSet = z.object({ ...poolShape, set: idShape('set') });
const reasoned = oneSet.extend({ reason: z.string().default('') });
const reasonOption = { '--reason <text>': 'why; kept with the mark', ...poolOption };

/** Marks and removal of sets, and the collection of leftovers: more verbs of the nouns `set` and `pool`. */
export function addCareCommands(program: Command, cli: Cli): void {
  const set = nounOf(program, 'set');
  addMarkVerbs(set, cli);
  addRemoval(set, cli);
  addVerb(nounOf(program, 'pool'), cli, {
    usage: 'gc <pool>',
    title: 'collect what attempts that never committed left; --plan only looks, --run deletes',
    options: {
      '--plan': 'only say what would be deleted',
      '--run': 'delete it',
      '--grace-hours <n>': 'nothing younger is touched, 1 to 8760 (24)',
      ...waitOptions,
    },
    shape: z.object({
      ...{ ...waitShape, pool: z.string(), run: z.boolean().default(false), plan: z.boolean().default(false) },
      graceHours: z.coerce.number().int().default(24),
    }),
    act: (_cli, { pool, run, plan, graceHours, wait, timeout }, isJson) => {
      const body = { isDryRun: plan || !run, graceHours };
      const path = `/api/v1/pools/${encodeURIComponent(pool)}/gc`;
      return startAndWatch(cli, { path, body, wait: wait || body.isDryRun, timeout, isJson });
    },
  });
}

function nounOf(program: Command, name: string): Command {
  const noun = program.commands.find((command) => command.name() === name);
  if (noun === undefined) throw bug(`the command line has no noun ${name}`);
  return noun;
}

interface MarkVerb {
  readonly verb: string;
  readonly kind: MarkKind;
  readonly title: string;
}

const markVerbs: readonly MarkVerb[] = [
  { verb: 'unpin', kind: 'unpin', title: 'take the pin away' },
  { verb: 'hold', kind: 'hold', title: 'put a set under legal hold: nothing deletes it until it is released' },
  { verb: 'release', kind: 'release', title: 'end the legal hold' },
  { verb: 'quarantine', kind: 'quarantine', title: 'say that a set must not be read; it does not count as good' },
  { verb: 'unquarantine', kind: 'unquarantine', title: 'let a quarantined set be read again' },
];

function addMarkVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'pin <set>',
    title: 'keep a set, whatever the retention says, until a time or for good',
    options: { '--until <time>': 'with its zone, e.g. "2027-01-01 00:00+08"; for good when absent', ...reasonOption },
    shape: reasoned.extend({ until: z.string().optional() }),
    act: async (_cli, { set, pool, reason, until }) => {
      const end = until === undefined ? {} : { until: parseInstant(until) };
      return said(await mark(cli, { set, pool }, { kind: 'pin', text: reason, ...end }));
    },
  });
  for (const { verb, kind, title } of markVerbs)
    addVerb(noun, cli, {
      usage: `${verb} <set>`,
      title,
      options: reasonOption,
      shape: reasoned,
      act: async (_cli, { set, pool, reason }) => said(await mark(cli, { set, pool }, { kind, text: reason })),
    });
  addVerb(noun, cli, {
    usage: 'marks <set>',
    title: 'list the marks of a set',
    options: poolOption,
    shape: oneSet,
    act: async (_cli, { set, pool }) => {
      const path = `/api/v1/backup-sets/${set}/marks${inPool(pool)}`;
      const { data } = await (await cli.client()).get(listShape(markShape), path);
      return said(data);
    },
  });
}

type OneSet = z.output<typeof oneSet>;

const mark = async (cli: Cli, { set, pool }: OneSet, body: unknown): Promise<readonly MarkOfSet[]> =>
  (await (await cli.client()).post(listShape(markShape), `/api/v1/backup-sets/${set}/marks${inPool(pool)}`, body)).data;

const said = (marks: readonly MarkOfSet[]) => ({
  json: marks,
  text:
    marks.length === 0
      ? 'No marks.'
      : tableOf(
          ['#', 'MARK', 'AT', 'BY', 'UNTIL', 'TEXT'],
          marks.map((one) => [String(one.seq), one.kind, timeText(one.at), one.by, timeText(one.until), one.text]),
        ),
});

function addRemoval(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rm <set>',
    title: 'plan the removal of a set with all that builds on it; with --plan and --consent execute that plan',
    options: {
      '--plan <plan>': 'id that `set rm` printed',
      '--consent <resource>': 'with --plan: the name of the resource, typed',
      ...poolOption,
      ...waitOptions,
    },
    shape: oneSet.extend({ ...waitShape, plan: z.string().optional(), consent: z.string().optional() }),
    act: async (_cli, { set, pool, plan, consent, wait, timeout }, isJson) => {
      if (plan !== undefined) {
        const path = `/api/v1/care-plans/${encodeURIComponent(plan)}/run`;
        return startAndWatch(cli, { path, body: consent === undefined ? {} : { consent }, wait, timeout, isJson });
      }
      const made = await (
        await cli.client()
      ).post(carePlanShape, `/api/v1/backup-sets/${set}/removal-plan${inPool(pool)}`);
      const command = `holdfast set rm ${set} --plan ${made.planId} --consent <name of the resource>`;
      return { json: made, text: planText(made, command) };
    },
  });
}
