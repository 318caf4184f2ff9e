import type { Command } from 'commander';
import { z } from 'zod';
import { setShape } from '#catalog/backup-sets.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { timelineShape } from '#core/settings/shape/timeline.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { bytesText, tableOf, timeText } from '../terminal.ts';
import { startAndWatch, waitOptions, waitShape } from './run-words.ts';

const poolTimelineShape = z.looseObject({ poolName: z.string(), timeline: timelineShape });
type PoolTimeline = z.output<typeof poolTimelineShape>;

export function addSetCommands(program: Command, cli: Cli): void {
  const noun = program.command('set').description('backup sets');
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list backup sets, newest first',
    options: { '--resource <resource>': 'only of this resource', '--limit <n>': '1 to 200 (50)' },
    shape: z.object({ resource: z.string().optional(), limit: z.coerce.number().int().default(50) }),
    act: async (_cli, { resource, limit }) => {
      const query = new URLSearchParams({ limit: String(limit), ...(resource === undefined ? {} : { resource }) });
      const { data } = await (await cli.client()).get(listShape(setShape), `/api/v1/backup-sets?${query.toString()}`);
      const rows = data.map(({ id, summary, verifiedAt }) => [
        ...[
          id,
          summary.type,
          timeText(summary.endedAt),
          summary.endLsn,
          bytesText(summary.rawBytes),
          bytesText(summary.storedBytes),
        ],
        verifiedAt === null ? 'not verified' : `verified ${timeText(verifiedAt)}`,
      ]);
      return { json: data, text: tableOf(['SET', 'TYPE', 'ENDED', 'END LSN', 'SIZE', 'STORED', ''], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <set>',
    title: 'show one backup set',
    shape: z.object({ set: idShape('set') }),
    act: async (_cli, { set }) => {
      const row = await (await cli.client()).get(setShape, `/api/v1/backup-sets/${set}`);
      const { tablespaces, warnings, ...facts } = row.summary;
      const lines = Object.entries(facts).map(([name, value]) => [name, String(value)]);
      const more = [
        ...tablespaces.map((one) => `tablespace ${String(one.oid)} at ${one.path}`),
        ...warnings.map((one) => `${one.code}: ${one.detail}`),
      ];
      return { json: row, text: [tableOf(['FACT', 'VALUE'], lines), ...more].join('\n') };
    },
  });
  addVerb(noun, cli, {
    usage: 'verify <set>',
    title: 'read a set back and check it; exit code 7 when it is damaged',
    options: { '--depth <quick|full>': 'quick: objects and metadata; full: every byte (full)', ...waitOptions },
    shape: z.object({ ...waitShape, set: idShape('set'), depth: z.enum(['quick', 'full']).default('full') }),
    act: (_cli, { set, depth, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `/api/v1/backup-sets/${set}/verify`, body: { depth }, wait, timeout, isJson }),
  });
}

export function addTimelineCommand(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'timeline <resource>',
    title: 'every point a resource can be restored to, and every gap',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/timeline`;
      const { data } = await (await cli.client()).get(listShape(poolTimelineShape), path);
      const text = data.length === 0 ? 'No backup set and no log yet.' : data.map(timelineText).join('\n\n');
      return { json: data, text };
    },
  });
}

function timelineText({ poolName, timeline }: PoolTimeline): string {
  const windows = timeline.windows.map((one) => [
    one.setId,
    String(one.timeline),
    `${timeText(one.from.at)} (${one.from.lsn})`,
    `${timeText(one.to.at)} (${one.to.lsn})`,
  ]);
  const gaps = timeline.branches.flatMap((branch) =>
    branch.gaps.map(
      (gap) => `GAP on timeline ${String(branch.timeline)}: log from ${gap.from} to ${gap.to} is missing`,
    ),
  );
  return [
    `pool ${poolName}: covered until ${timeText(timeline.coveredUntil)}, last commit ${timeText(timeline.lastCommit)}`,
    tableOf(['SET', 'TIMELINE', 'FROM', 'TO'], windows),
    ...gaps,
  ].join('\n');
}
