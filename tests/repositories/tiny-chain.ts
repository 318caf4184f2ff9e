import type { SetSummary } from '#core/backup/set-summary.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { Recipe } from './tiny-set.ts';
import { fixedId, makeTinySet, putPieces, tinyFiles, tinyIds, tinySummary } from './tiny-set.ts';

/** Ids of the incrementals: the middle one builds on the tiny set, the last on the middle one. */
export const middleIds = { ...tinyIds, setId: fixedId('set', 17), attemptId: fixedId('try', 18) };
export const lastIds = { ...tinyIds, setId: fixedId('set', 33), attemptId: fixedId('try', 34) };

const base = (length: number): { readonly base: number } => ({ base: length });
const log = (name: string): Record<string, Recipe> => ({
  [`pg_wal/${name}`]: [Buffer.concat([Buffer.from(`log of ${name} `.repeat(900)), Buffer.alloc(tinySummary.segmentBytes - 900 * (8 + name.length))])],
});
const label = (text: string): Recipe => [Buffer.from(text)];

/** Blocks of a file changed, a file came, everything else is the base's. */
const middleRecipe: Readonly<Record<string, Recipe>> = {
  PG_VERSION: [base(3)],
  backup_label: label('START WAL LOCATION: 0/300028 (file 000000010000000000000003)\n'),
  'base/5/1259': [base(8192), Buffer.from('changed '.repeat(1024)), base(32484 - 16384)],
  'base/5/empty': [],
  'base/5/zeros': [base(40_000)],
  'base/5/new': [Buffer.from('a table that came '.repeat(5000))],
  'pg_tblspc/16400/PG_18_202506291/5/16401': [base(16_800)],
  ...log('000000010000000000000003'),
  'global/pg_control': [Buffer.from('control2'.repeat(1024))],
};

/** A file shrank, one grew, one became zeros in the middle, one has gone, one that was empty has content. */
const lastRecipe: Readonly<Record<string, Recipe>> = {
  PG_VERSION: [base(3)],
  backup_label: label('START WAL LOCATION: 0/400028 (file 000000010000000000000004)\n'),
  'base/5/1259': [Buffer.from('newest '.repeat(1000)), base(13_000)],
  'base/5/empty': [Buffer.from('not empty any more')],
  'base/5/zeros': [base(40_000)],
  'base/5/new': [base(40_000), Buffer.alloc(8192), base(90_000 - 48_192), Buffer.from('grown '.repeat(2000))],
  ...log('000000010000000000000004'),
  'global/pg_control': [Buffer.from('control3'.repeat(1024))],
};

const contentOf = (recipe: Readonly<Record<string, Recipe>>, below: Readonly<Record<string, Buffer>>): Record<string, Buffer> =>
  Object.fromEntries(
    Object.entries(recipe).map(([path, parts]) => {
      let at = 0;
      const bytes = parts.map((part) => {
        const length = 'base' in part ? part.base : part.length;
        at += length;
        return 'base' in part ? (below[path] ?? Buffer.alloc(0)).subarray(at - length, at) : part;
      });
      return [path, Buffer.concat(bytes)];
    }),
  );

/** What each set of the chain must give back, file by file. */
export const middleFiles = contentOf(middleRecipe, tinyFiles);
export const lastFiles = contentOf(lastRecipe, middleFiles);

interface Making {
  readonly ids: typeof tinyIds;
  readonly on: SetSummary;
  readonly recipe: Readonly<Record<string, Recipe>>;
  readonly level: number | undefined;
}

async function makeIncremental(pool: Pool, { ids, on, recipe, level }: Making): Promise<SetSummary> {
  const { metaSha256 } = await openSet(pool, on.setId);
  const segment = on.setId === tinyIds.setId ? 3 : 4;
  const name = parseSegmentName(`00000001000000000000000${String(segment)}`);
  const [beginLsn, endLsn] = [parseLsn(`0/${String(segment)}00028`), parseLsn(`0/${String(segment)}00158`)];
  const link = { setId: on.setId, metaSha256, fullSetId: tinyIds.setId, beginLsn: on.beginLsn, endLsn: on.endLsn, changedPages: 'log' } as const;
  const range = { beginLsn, endLsn, backupEndLsn: endLsn, beginSegment: name, endSegment: name };
  const { keys, meta } = await putPieces(pool, { ...tinySummary, ...ids, ...range, type: 'differential', base: link }, recipe, level);
  return commitBackupSet(pool, keys, meta);
}

/** A full and two differentials, one on the other; `level` of zstd, 0 for none. */
export async function makeTinyChain(pool: Pool, level?: number): Promise<SetSummary> {
  const full = await makeTinySet(pool, level);
  const middle = await makeIncremental(pool, { ids: middleIds, on: full, recipe: middleRecipe, level });
  return makeIncremental(pool, { ids: lastIds, on: middle, recipe: lastRecipe, level });
}
