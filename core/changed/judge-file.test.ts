import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineProfile } from '../engine/profiles.ts';
import { BlockReferences } from './block-references.ts';
import { changedByReferences } from './judge-file.ts';
import { relationPlace } from './relation-place.ts';

const layout = { files: engineProfile('postgresql').files, pageBytes: 8192, pagesPerFile: 131_072 };
const place = { tablespace: 1663, database: 5, number: 16_384, fork: 0 };
const pages = (count: number): number => count * 8192;
const judge = (
  references: BlockReferences,
  { path = 'base/5/16384', now = 100, base = 100 }: { path?: string; now?: number; base?: number | undefined } = {},
) => changedByReferences({ path, sizeBytes: pages(now), baseBytes: pages(base) }, layout, references);

describe('the place of a file', () => {
  test.each([
    ['base/5/16384', { tablespace: 1663, database: 5, number: 16_384, fork: 'main', firstBlock: 0 }],
    ['base/5/16384.2', { tablespace: 1663, database: 5, number: 16_384, fork: 'main', firstBlock: 262_144 }],
    ['base/5/16384_vm', { tablespace: 1663, database: 5, number: 16_384, fork: 'vm', firstBlock: 0 }],
    ['global/1262', { tablespace: 1664, database: 0, number: 1262, fork: 'main', firstBlock: 0 }],
    [
      'pg_tblspc/16400/PG_15_202209061/5/16384_init',
      { tablespace: 16_400, database: 5, number: 16_384, fork: 'init', firstBlock: 0 },
    ],
    ['base/5/PG_VERSION', undefined],
    ['base/5/pg_filenode.map', undefined],
    ['base/5/t3_16384', undefined],
    ['base/pgsql_tmp/1', undefined],
    ['global/pg_control', undefined],
    ['global/1/1', undefined],
    ['pg_xact/0000', undefined],
    ['pg_tblspc/16400/other/5/16384', undefined],
    ['16384', undefined],
  ])('%s is told by its path', (path, expected) => {
    expect(relationPlace(path, layout)).toEqual(expected);
  });
});

describe('what must be read of a file', () => {
  test.each([
    'base/5/16384_vm',
    'base/5/16384_fsm',
    'base/5/16384_init',
    'base/5/PG_VERSION',
    'pg_xact/0000',
    'postgresql.conf',
  ])('D-038 %s is copied whole', (path) => {
    expect(judge(new BlockReferences(), { path })).toEqual({ kind: 'whole' });
  });

  test('D-038 a file that is new, or not made of pages now or in the base, is copied whole', () => {
    const none = new BlockReferences();
    expect(
      changedByReferences({ path: 'base/5/16384', sizeBytes: 8192, baseBytes: undefined }, layout, none).kind,
    ).toBe('whole');
    expect(changedByReferences({ path: 'base/5/16384', sizeBytes: 8193, baseBytes: 8192 }, layout, none).kind).toBe(
      'whole',
    );
    expect(changedByReferences({ path: 'base/5/16384', sizeBytes: 8192, baseBytes: 100 }, layout, none).kind).toBe(
      'whole',
    );
  });

  test('D-038 files of a copied database are copied whole, in its tablespace only', () => {
    const references = new BlockReferences();
    references.database(1663, 5);
    expect(judge(references).kind).toBe('whole');
    expect(judge(references, { path: 'pg_tblspc/16400/PG_15_1/5/16384' }).kind).toBe('blocks');
    expect(judge(references, { path: 'base/6/16384' }).kind).toBe('blocks');
  });

  test('D-038 a file without change is not read', () => {
    expect(judge(new BlockReferences())).toEqual({ kind: 'blocks', ranges: [] });
    expect(judge(new BlockReferences(), { now: 50 })).toEqual({ kind: 'blocks', ranges: [] });
  });

  test('D-038 blocks of later files of a relation count from the begin of the file', () => {
    const references = new BlockReferences();
    for (const block of [3, 131_072, 131_080, 262_144]) references.block({ ...place, block });
    expect(judge(references, { path: 'base/5/16384.1' })).toEqual({
      kind: 'blocks',
      ranges: [
        { from: 0, to: 1 },
        { from: 8, to: 9 },
      ],
    });
    references.limit({ ...place, block: 131_072 });
    expect(judge(references, { path: 'base/5/16384.1' }).kind).toBe('whole');
    expect(judge(references)).toEqual({ kind: 'blocks', ranges: [{ from: 3, to: 4 }] });
  });

  test('D-038 every listed block, every block behind a limit and every block that the base has not is read, and no other', () => {
    const small = fc.nat({ max: 60 });
    fc.assert(
      fc.property(
        fc.array(small),
        fc.option(fc.integer({ min: 1, max: 60 })),
        small,
        small,
        (listed, limit, now, base) => {
          const references = new BlockReferences();
          for (const block of listed) references.block({ ...place, block });
          if (limit !== null) references.limit({ ...place, block: limit });
          const changed = judge(references, { now, base });
          const read = changed.kind === 'blocks' ? changed.ranges : [];
          const isRead = (block: number): boolean => read.some(({ from, to }) => from <= block && block < to);
          const isDue = (block: number): boolean =>
            listed.includes(block) || block >= (limit ?? Infinity) || block >= base;
          for (let block = 0; block < now; block++) expect([block, isRead(block)]).toEqual([block, isDue(block)]);
          expect(read.every(({ from, to }, i) => from < to && to <= now && from > (read[i - 1]?.to ?? -1))).toBe(true);
        },
      ),
    );
  });
});
