import type { Command } from 'commander';
import { z } from 'zod';
import { verifyDepths } from '#core/care/verify-depth.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import { listedTypeShape } from '#api/routes/sets/backup-sets.ts';
import { listShape } from '#api/routes/words.ts';
import { setWithChain, setWithStanding } from '#api/pools/set-chain.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { treesOf } from '#api/cli/set-tree.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { inPool, poolOption, poolShape } from '#api/cli/commands/pools/pool-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';
import { addDiffVerb, filesOrTables } from './set-contents.ts';
import { addExtractVerb } from './set-extract.ts';
import { addMergeVerb } from './set-merge.ts';
import { setText, typeWords, wordsOf } from './set-text.ts';
import { addWordVerbs } from './set-words.ts';

export function addSetCommands(program: Command, cli: Cli): void {
  const noun = program.command('set').description('backup sets');
  addListVerb(noun, cli);
  addShowVerb(noun, cli);
  addDiffVerb(noun, cli);
  addExtractVerb(noun, cli);
  addMergeVerb(noun, cli);
  addWordVerbs(noun, cli);
  addVerb(noun, cli, {
    usage: 'verify <set>',
    title: 'read a set back and check it; exit code 7 when it is damaged',
    options: {
      '--depth <quick|full|page>': 'quick: objects and metadata; full: every byte; page: page checksums too (full)',
      ...poolOption,
      ...waitOptions,
    },
    shape: z.object({ ...waitShape, ...poolShape, set: idShape('set'), depth: z.enum(verifyDepths).default('full') }),
    act: (_cli, { set, pool, depth, wait, timeout }, isJson) =>
      startAndWatch(cli, {
        path: `/api/v1/backup-sets/${set}/verify${inPool(pool)}`,
        body: { depth },
        wait,
        timeout,
        isJson,
      }),
  });
}

type Row = z.output<typeof setWithStanding>;

const headings = ['SET', 'TYPE', 'RESOURCE', 'POOLS', 'ENDED', 'LOG', 'SIZE', 'STORED', 'VERIFIED', 'MARKS'];

function addListVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list backup sets, newest first; incrementals below the full that their chain begins with',
    options: {
      '--resource <resource>': 'only of this resource',
      '--type <full|incremental|differential|cumulative>': 'only of this type; incremental: every set that is no full',
      '--pool <pool>': 'only in this pool',
      '--limit <n>': '1 to 200 (50)',
    },
    shape: z.object({
      resource: z.string().optional(),
      type: listedTypeShape.optional(),
      pool: z.string().optional(),
      limit: z.coerce.number().int().default(50),
    }),
    act: async (_cli, { resource, type, pool, limit }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (resource !== undefined) query.set('resource', resource);
      if (type !== undefined) query.set('type', type);
      if (pool !== undefined) query.set('pool', pool);
      const { data } = await (
        await cli.client()
      ).get(listShape(setWithStanding), `/api/v1/backup-sets?${query.toString()}`);
      const rows = treesOf(data).map(({ row, indent }) => lineOf(row, cli.terminal.isDrawn ? indent : ''));
      return { json: data, text: tableOf(headings, rows) };
    },
  });
}

const lineOf = (
  { id, resourceName, pools, summary, verifiedAt, verifyReport, standing }: Row,
  indent: string,
): string[] => [
  `${indent}${id}`,
  summary.base === undefined || indent !== '' ? typeWords(summary) : `${typeWords(summary)} on ${summary.base.setId}`,
  ...[resourceName, pools.map(({ name }) => name).join(', ')],
  timeText(summary.endedAt),
  `${summary.beginLsn} – ${summary.endLsn}`,
  bytesText(summary.rawBytes),
  bytesText(summary.storedBytes),
  verifiedAt === null
    ? 'never'
    : `${(verifyReport?.damage.length ?? 0) > 0 ? 'DAMAGED' : 'sound'} ${timeText(verifiedAt)}`,
  wordsOf(standing).join(', '),
];

function addShowVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'show <set>',
    title: 'show one backup set with its chain, or what is in it',
    options: {
      ...poolOption,
      '--files': 'its files with their sizes instead',
      '--prefix <path>': 'with --files: only paths that begin so, e.g. base/16384/',
      '--tables': 'its relations, the largest first, with the names they have now',
      '--limit <n>': 'lines of --files and --tables, 1 to 1000 (200)',
    },
    shape: z.object({
      ...poolShape,
      set: idShape('set'),
      files: z.boolean().default(false),
      tables: z.boolean().default(false),
      prefix: z.string().default(''),
      limit: z.coerce.number().int().default(200),
    }),
    act: async (_cli, { set, pool, files, tables, prefix, limit }) => {
      const client = await cli.client();
      if (files || tables) return filesOrTables(client, { set, of: files ? 'files' : 'tables', prefix, limit });
      const row = await client.get(setWithChain, `/api/v1/backup-sets/${set}${inPool(pool)}`);
      return { json: row, text: setText(row) };
    },
  });
}
