import type { Command } from 'commander';
import { z } from 'zod';
import type { LogicalSetRow } from '#catalog/logical-sets.ts';
import { logicalSetShape } from '#catalog/logical-sets.ts';
import { selectionText } from '#core/logical/selection.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { addLogicalBackupVerb } from './logical-backup.ts';
import { addLogicalRestoreVerbs } from './logical-restore.ts';
import { addTreeVerb } from './logical-tree.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const filterOptions = {
  '--resource <resource>': 'only of this resource',
  '--pool <pool>': 'only in this pool',
  '--job <job>': 'only of this job',
};
const filterShape = { resource: z.string().optional(), pool: z.string().optional(), job: z.string().optional() };

/** `holdfast logical …`: logical backups of databases, schemas and tables, and their sets. */
export function addLogicalCommands(program: Command, cli: Cli): void {
  const noun = program
    .command('logical')
    .description('logical backups of databases, schemas and tables, and their sets');
  addTreeVerb(noun, cli);
  addLogicalBackupVerb(noun, cli);
  addLogicalRestoreVerbs(noun, cli);
  addReadingVerbs(noun, cli);
  addVerb(noun, cli, {
    usage: 'verify <set>',
    title: 'read every byte of a logical set back and check it; exit code 7 when it is damaged',
    options: waitOptions,
    shape: z.object({ ...waitShape, set: idShape('set') }),
    act: (_cli, { set, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `/api/v1/logical-sets/${set}/verify`, body: {}, wait, timeout, isJson }),
  });
  addRemoveVerb(noun, cli);
}

const headings = ['SET', 'RESOURCE', 'POOL', 'ENDED', 'HOLDS', 'TABLES', 'ROWS', 'SIZE', 'STORED', 'VERIFIED'];

const verifiedText = ({ verifiedAt, damage }: LogicalSetRow): string =>
  verifiedAt === null ? 'never' : `${damage === null ? 'sound' : 'DAMAGED'} ${timeText(verifiedAt)}`;

const lineOf = (row: LogicalSetRow): string[] => [
  ...[row.id, row.resourceName, row.poolName, timeText(row.summary.endedAt), selectionText(row.summary.selection)],
  ...[String(row.summary.tableCount), String(row.summary.rowCount)],
  ...[bytesText(row.summary.rawBytes), bytesText(row.summary.storedBytes), verifiedText(row)],
];

function queryOf(given: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}

function addReadingVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list logical sets, newest first',
    options: { ...filterOptions, '--limit <n>': '1 to 200 (50)' },
    shape: z.object({ ...filterShape, limit: z.coerce.number().int().default(50) }),
    act: async (_cli, { resource, pool, job, limit }) => {
      const path = `/api/v1/logical-sets?${queryOf({ resource, pool, job, limit })}`;
      const { data } = await (await cli.client()).get(listShape(logicalSetShape), path);
      return { json: data, text: tableOf(headings, data.map(lineOf)) };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <set>',
    title: 'show one logical set with the snapshot of each database',
    shape: z.object({ set: idShape('set') }),
    act: async (_cli, { set }) => {
      const row = await (await cli.client()).get(logicalSetShape, `/api/v1/logical-sets/${set}`);
      return { json: row, text: setText(row) };
    },
  });
}

function setText(row: LogicalSetRow): string {
  const { summary } = row;
  const databases = summary.databases.map(({ name, isWhole, snapshotAt, tableCount, rowCount, rawBytes }) => [
    ...[name, isWhole ? 'whole' : 'part', timeText(snapshotAt), String(tableCount), String(rowCount)],
    bytesText(rawBytes),
  ]);
  return [
    `set       ${row.id}`,
    `resource  ${row.resourceName}`,
    `pool      ${row.poolName}${summary.isEncrypted ? ' (encrypted)' : ''}`,
    `asked for ${selectionText(summary.selection)}`,
    `began     ${timeText(summary.beganAt)}`,
    `ended     ${timeText(summary.endedAt)}`,
    `server    ${summary.engine} ${String(Math.floor(summary.serverVersion / 10_000))}, definitions by ${summary.dumpTool.version}`,
    `stored    ${bytesText(summary.storedBytes)} of ${bytesText(summary.rawBytes)} in ${String(summary.pieceCount)} pieces`,
    `verified  ${verifiedText(row)}${row.damage === null ? '' : `: ${row.damage}`}`,
    `job       ${row.jobId}`,
    '',
    tableOf(['DATABASE', 'HELD', 'AS OF', 'TABLES', 'ROWS', 'SIZE'], databases),
  ].join('\n');
}

const removalShape = z.object({ keep: z.number(), sets: z.array(logicalSetShape) });

/** Plan → show → execute: without `--yes` nothing is touched. */
function addRemoveVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rm [sets...]',
    title: 'delete logical sets: shows what would go, with --yes deletes exactly that',
    options: {
      '--keep <n>': 'instead of naming sets: all of a resource or job behind its newest n sound ones',
      ...filterOptions,
      '--yes': 'delete what is shown',
      ...waitOptions,
    },
    shape: z.object({
      ...{ ...waitShape, ...filterShape, sets: z.array(idShape('set')).default([]) },
      ...{ keep: z.coerce.number().int().min(1).optional(), yes: z.boolean().default(false) },
    }),
    act: async (_cli, { sets: named, keep, resource, pool, job, yes, wait, timeout }, isJson) => {
      const client = await cli.client();
      const rows =
        named.length > 0
          ? await Promise.all(named.map((set) => client.get(logicalSetShape, `/api/v1/logical-sets/${set}`)))
          : (await client.get(removalShape, `/api/v1/logical-removals?${queryOf({ resource, pool, job, keep })}`)).sets;
      if (rows.length === 0) return { json: [], text: 'Nothing is to be deleted.' };
      const sets = rows.map(({ id }) => id);
      if (yes) return startAndWatch(cli, { path: '/api/v1/logical-removals', body: { sets }, wait, timeout, isJson });
      const command = `holdfast logical rm ${sets.join(' ')} --yes --wait`;
      return {
        json: rows,
        text: [tableOf(headings, rows.map(lineOf)), '', `Nothing was touched. To delete: ${command}`].join('\n'),
      };
    },
  });
}
