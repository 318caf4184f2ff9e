import type { Command } from 'commander';
import { z } from 'zod';
import { targetRowShape } from '#catalog/resources/targets.ts';
import { fail } from '#core/errors/fail.ts';
import { durationText, parseDuration } from '#core/notice/duration.ts';
import { resourceStatusShape } from '#core/settings/shape/resource-status.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { tableOf, timeText } from '../terminal.ts';

const pathOf = (resource: string): string => `/api/v1/resources/${encodeURIComponent(resource)}/target`;

/** `holdfast target …` and `holdfast status`. */
export function addTargetCommands(program: Command, cli: Cli): void {
  const noun = program
    .command('target')
    .description('targets: how much may be lost (RPO), how long recovery may take (RTO)');
  addVerb(noun, cli, {
    usage: 'set <resource>',
    title: 'set targets; they are judged each minute, and events tell when one is missed and kept again',
    options: { '--rpo <time>': 'how much may be lost: 90s, 15m, 1h, 2d', '--rto <time>': 'how long recovery may take' },
    shape: z.object({ resource: z.string(), rpo: z.string().optional(), rto: z.string().optional() }),
    act: async (_cli, { resource, rpo, rto }) => {
      if (rpo === undefined && rto === undefined)
        throw fail('value_malformed', { text: '', what: 'target', expected: '--rpo <time>, --rto <time> or both' });
      const body = {
        ...(rpo === undefined ? {} : { rpoSeconds: parseDuration(rpo) }),
        ...(rto === undefined ? {} : { rtoSeconds: parseDuration(rto) }),
      };
      const row = await (await cli.client()).put(targetRowShape, pathOf(resource), body);
      const { rpoSeconds, rtoSeconds } = row;
      return { json: row, text: `${row.resource}: RPO ${durationText(rpoSeconds)}, RTO ${durationText(rtoSeconds)}.` };
    },
  });
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list targets',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(targetRowShape), '/api/v1/targets');
      const rows = data.map((one) => [
        ...[one.resource, durationText(one.rpoSeconds), durationText(one.rtoSeconds), one.setBy, timeText(one.setAt)],
      ]);
      return { json: data, text: tableOf(['RESOURCE', 'RPO', 'RTO', 'SET BY', 'AT'], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'rm <resource>',
    title: 'remove the targets of a resource',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      await (await cli.client()).drop(pathOf(resource));
      return { json: { removed: resource }, text: `${resource} has no targets.` };
    },
  });
  addStatus(program, cli);
}

function addStatus(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'status',
    title: 'what the protection of each resource is worth now: latest point, RPO and RTO beside their targets',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(resourceStatusShape), '/status/resources');
      const rows = data.map((one) => [
        ...[one.resource, one.state, timeText(one.latestRestorable)],
        ...[besides(one.rpoSeconds, one.rpoTargetSeconds), besides(one.rtoSeconds, one.rtoTargetSeconds)],
        ...[timeText(one.lastDrill), wordsOf(one)],
      ]);
      return { json: data, text: tableOf(['RESOURCE', 'STATE', 'LATEST POINT', 'RPO', 'RTO', 'LAST DRILL', ''], rows) };
    },
  });
}

const besides = (now: number | null, target: number | null): string =>
  target === null ? durationText(now) : `${durationText(now)} of ${durationText(target)}`;

const wordsOf = ({ logGaps, needsLogin, hostId, host, isHostOnline }: z.output<typeof resourceStatusShape>): string =>
  [
    ...(logGaps === 0 ? [] : [`${String(logGaps)} gaps in log`]),
    ...(needsLogin ? ['login required'] : []),
    ...(hostId === null || isHostOnline ? [] : [`host ${host ?? ''} is offline`]),
  ].join(', ');
