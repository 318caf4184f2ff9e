import type { Command } from 'commander';
import { z } from 'zod';
import { setTypeShape } from '#core/settings/shape/committed.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { listShape } from '../../routes/words.ts';
import { setWithChain, setWithStanding } from '../../set-chain.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { treesOf } from '../set-tree.ts';
import { bytesText, tableOf, timeText } from '../terminal.ts';
import { startAndWatch, waitOptions, waitShape } from './run-words.ts';
import { addDiffVerb, filesOrTables } from './set-contents.ts';
import { setText, wordsOf } from './set-text.ts';
import { addWordVerbs } from './set-words.ts';

export function addSetCommands(program: Command, cli: Cli): void {
  const noun = program.command('set').description('backup sets');
  addListVerb(noun, cli);
  addShowVerb(noun, cli);
  addDiffVerb(noun, cli);
  addWordVerbs(noun, cli);
  addVerb(noun, cli, {
    usage: 'verify <set>',
    title: 'read a set back and check it; exit code 7 when it is damaged',
    options: { '--depth <quick|full>': 'quick: objects and metadata; full: every byte (full)', ...waitOptions },
    shape: z.object({ ...waitShape, set: idShape('set'), depth: z.enum(['quick', 'full']).default('full') }),
    act: (_cli, { set, depth, wait, timeout }, isJson) =>
      startAndWatch(cli, { path: `/api/v1/backup-sets/${set}/verify`, body: { depth }, wait, timeout, isJson }),
  });
}

type Row = z.output<typeof setWithStanding>;

function addListVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list backup sets, newest first; incrementals below the full that their chain begins with',
    options: {
      '--resource <resource>': 'only of this resource',
      '--type <full|differential|cumulative>': 'only of this type',
      '--limit <n>': '1 to 200 (50)',
    },
    shape: z.object({
      resource: z.string().optional(),
      type: setTypeShape.optional(),
      limit: z.coerce.number().int().default(50),
    }),
    act: async (_cli, { resource, type, limit }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (resource !== undefined) query.set('resource', resource);
      if (type !== undefined) query.set('type', type);
      const { data } = await (
        await cli.client()
      ).get(listShape(setWithStanding), `/api/v1/backup-sets?${query.toString()}`);
      const rows = treesOf(data).map(({ row, indent }) => lineOf(row, indent));
      return { json: data, text: tableOf(['SET', 'TYPE', 'ENDED', 'LOG', 'SIZE', 'STORED', '', ''], rows) };
    },
  });
}

const lineOf = ({ id, summary, verifiedAt, verifyReport, standing }: Row, indent: string): string[] => [
  `${indent}${id}`,
  summary.base === undefined || indent !== '' ? summary.type : `${summary.type} on ${summary.base.setId}`,
  timeText(summary.endedAt),
  `${summary.beginLsn} – ${summary.endLsn}`,
  bytesText(summary.rawBytes),
  bytesText(summary.storedBytes),
  verifiedAt === null
    ? 'not verified'
    : `${(verifyReport?.damage.length ?? 0) > 0 ? 'DAMAGED' : 'verified'} ${timeText(verifiedAt)}`,
  wordsOf(standing).join(', '),
];

function addShowVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'show <set>',
    title: 'show one backup set with its chain, or what is in it',
    options: {
      '--files': 'its files with their sizes instead',
      '--prefix <path>': 'with --files: only paths that begin so, e.g. base/16384/',
      '--tables': 'its relations, the largest first, with the names they have now',
      '--limit <n>': 'lines of --files and --tables, 1 to 1000 (200)',
    },
    shape: z.object({
      set: idShape('set'),
      files: z.boolean().default(false),
      tables: z.boolean().default(false),
      prefix: z.string().default(''),
      limit: z.coerce.number().int().default(200),
    }),
    act: async (_cli, { set, files, tables, prefix, limit }) => {
      const client = await cli.client();
      if (files || tables) return filesOrTables(client, { set, of: files ? 'files' : 'tables', prefix, limit });
      const row = await client.get(setWithChain, `/api/v1/backup-sets/${set}`);
      return { json: row, text: setText(row) };
    },
  });
}
