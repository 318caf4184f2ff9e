import type { Command } from 'commander';
import { z } from 'zod';
import { parseBound } from '#core/log/parse-bound.ts';
import { findingShape } from '#core/settings/shape/host.ts';
import { logRestorePlanShape } from '#core/settings/shape/log-restore.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
} from './jobs/limit-words.ts';
import { demandReady, placeText } from './place-words.ts';
import { startAndWatch, waitOptions, waitShape } from './runs/run-words.ts';

const answerShape = z.looseObject({
  plan: logRestorePlanShape,
  directory: z.string(),
  findings: z.array(findingShape),
});
type Answer = z.output<typeof answerShape>;

const logRestoreShape = z.object({
  ...{ ...waitShape, ...limitShape, ...reconnectShape },
  ...{ resource: z.string(), directory: z.string(), dryRun: z.boolean().default(false) },
  ...{ from: z.string().optional(), to: z.string().optional(), set: idShape('set').optional() },
  ...{ timeline: z.coerce.number().int().optional(), pool: z.string().optional(), host: z.string().optional() },
});
type LogRestoreArgs = z.output<typeof logRestoreShape>;

export function addLogCommands(program: Command, cli: Cli): void {
  const noun = program.command('log').description('log that is in the pools');
  addVerb(noun, cli, {
    usage: 'restore',
    title:
      'fetch the log of a range into an empty directory, proven, with a file to recover with; nothing is recovered',
    options: {
      '--resource <resource>': 'whose log is fetched',
      '--from <time|lsn>': 'begin of the range: a time with its zone, e.g. "2026-11-21 10:15:00+08", or an LSN',
      '--to <time|lsn>': 'end of the range; the end of the log when absent',
      '--set <set>': 'the log that leads on from this set; with it --from may be left out',
      '--timeline <n>': 'along this timeline; the current one when absent',
      '--directory <directory>': 'empty or absent directory on the host (K-109)',
      '--host <host>': 'whose directory it is; the resource’s own when absent',
      '--pool <pool>': 'from this pool; the one that misses least when absent',
      '--dry-run':
        'only print what would be fetched, what is missing and what stands at the directory; exit code 3 when that is refused',
      ...limitOptions('writes'),
      ...reconnectOptions,
      ...waitOptions,
    },
    shape: logRestoreShape,
    act: async (_cli, args, isJson) => {
      const body = bodyOf(args);
      if (args.dryRun) return dryRun(cli, body, isJson);
      return startAndWatch(cli, { ...args, path: '/api/v1/log-restores', body, isJson });
    },
  });
}

function bodyOf(args: LogRestoreArgs) {
  const { resource, directory, from, to, set, timeline, pool, host } = args;
  return {
    ...{ resource, directory, setId: set, timeline, pool, host },
    ...(from === undefined ? {} : { from: parseBound(from) }),
    ...(to === undefined ? {} : { to: parseBound(to) }),
    ...{ limits: limitsOf(args), ...reconnectOf(args.reconnect) },
  };
}

/** Prints first, so that a refusal of the directory stands behind what was found there. Throws `place_unready`. */
async function dryRun(cli: Cli, body: ReturnType<typeof bodyOf>, isJson: boolean): Promise<undefined> {
  const answer = await (await cli.client()).post(answerShape, '/api/v1/log-restores/plan', body);
  cli.terminal.out(isJson ? JSON.stringify(answer, undefined, 2) : plannedText(answer));
  demandReady(answer.findings);
  return undefined;
}

function plannedText({ plan, directory, findings }: Answer): string {
  const [first] = plan.segments;
  const last = plan.segments[plan.segments.length - 1];
  return [
    `log       ${String(plan.segments.length)} segments${first === undefined ? '' : `, ${first.name} (${first.from}) to ${last?.name ?? ''} (${last?.to ?? ''})`}`,
    `timeline  ${String(plan.timeline)}, ${String(Object.keys(plan.histories).length)} history files`,
    `size      ${bytesText(plan.rawBytes)} in ${directory}, ${bytesText(plan.fetchBytes)} are fetched`,
    ...plan.gaps.map(({ what }) => `GAP       ${what}`),
    '',
    placeText(findings),
  ].join('\n');
}
