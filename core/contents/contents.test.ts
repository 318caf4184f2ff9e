import { expect, test } from 'vitest';
import type { Extent, FileOfSet, SetMeta } from '../format/meta.ts';
import { baseFrame, zeroFrame } from '../format/meta.ts';
import { filesOf } from '../format/chain.ts';
import { parseId } from '../id.ts';
import { diffSets } from './diff-sets.ts';
import { listFiles } from './list-files.ts';
import { listTables, relationPath } from './list-tables.ts';

const page = 8192;
const set = parseId('set', `set_${'0'.repeat(32)}`);
const extent = (frame: number, pages: number, hash = ''): Extent => ({ frame, offset: 0, length: pages * page, hash });
const file = (path: string, extents: readonly Extent[]): FileOfSet => ({
  ...{ kind: 'file', path, mode: 0o600, mtimeMs: 0, extents },
  sizeBytes: extents.reduce((sum, { length }) => sum + length, 0),
});
/** Frames of ten pages that were compressed to a fifth. */
const frames: SetMeta['frames'] = [0, 1, 2, 3].map((n) => ({
  ...{ pieceIndex: 0, offset: n * 2 * page, storedBytes: 2 * page, rawBytes: 10 * page },
  sha256: '',
}));

const full = {
  frames,
  members: [
    file('base/5/100', [extent(0, 8, 'a'), extent(zeroFrame, 2)]),
    file('base/5/100.1', [extent(1, 10, 'b')]),
    file('base/5/100_fsm', [extent(2, 3, 'c')]),
    file('base/5/200', [extent(3, 5, 'd')]),
    file('PG_VERSION', [extent(2, 1, 'v')]),
  ],
};
const incremental = {
  frames,
  members: [
    file('base/5/100', [extent(baseFrame, 3), extent(0, 1, 'x'), extent(baseFrame, 6)]),
    file('base/5/100.1', [extent(baseFrame, 10)]),
    file('base/5/100_fsm', [extent(1, 3, 'c')]),
    file('base/5/300', [extent(2, 4, 'n')]),
    file('PG_VERSION', [extent(2, 1, 'v')]),
  ],
};

test('files are paged by path, each with its size, what the set holds of it and its share of the frames', () => {
  const first = listFiles(full, { of: 'files', prefix: 'base/', after: '', limit: 3 });
  expect(first).toMatchObject({
    files: [
      { path: 'base/5/100', sizeBytes: 10 * page, ownBytes: 8 * page, storedBytes: Math.round(1.6 * page) },
      { path: 'base/5/100.1', sizeBytes: 10 * page, ownBytes: 10 * page, storedBytes: 2 * page },
      { path: 'base/5/100_fsm' },
    ],
    hasMore: true,
    total: { files: 4, sizeBytes: 28 * page, ownBytes: 26 * page },
  });
  const rest = listFiles(full, { of: 'files', prefix: 'base/', after: 'base/5/100_fsm', limit: 3 });
  expect(rest).toMatchObject({ files: [{ path: 'base/5/200' }], hasMore: false });
});

test('what an incremental takes from its base is not counted as its own', () => {
  expect(listFiles(incremental, { of: 'files', prefix: 'base/5/100', after: '', limit: 9 }).files).toMatchObject([
    { sizeBytes: 10 * page, ownBytes: page },
    { sizeBytes: 10 * page, ownBytes: 0, storedBytes: 0 },
    { sizeBytes: 3 * page, ownBytes: 3 * page },
  ]);
});

test('forks and segments of a relation are summed up under the name the instance has for it now', () => {
  const names = new Map([['base/5/100', 'shop.public.orders']]);
  const naming = 'names of now';
  expect(listTables(full, { of: 'tables', limit: 9 }, { names, naming })).toEqual({
    of: 'tables',
    tables: [
      { path: 'base/5/100', files: 3, name: 'shop.public.orders', ...amount(23, 21, 4.2) },
      { path: 'base/5/200', files: 1, ...amount(5, 5, 1) },
    ],
    hasMore: false,
    naming,
  });
  expect(listTables(full, { of: 'tables', limit: 1 }, { names, naming })).toMatchObject({ hasMore: true });
});

const amount = (size: number, own: number, stored: number) => ({
  ...{ sizeBytes: size * page, ownBytes: own * page, storedBytes: Math.round(stored * page) },
});

test.each([
  ['base/5/100_vm.3', 'base/5/100'],
  ['global/1262', 'global/1262'],
  ['pg_tblspc/900/PG_15_202209061/5/777.1', 'pg_tblspc/900/PG_15_202209061/5/777'],
  ['base/5/PG_VERSION', undefined],
  ['pg_wal/000000010000000000000001', undefined],
])('the relation of %s is %s', (path, relation) => {
  expect(relationPath(path)).toBe(relation);
});

test('two sets of a chain differ in exactly the pages that the later one holds anew', () => {
  const before = [filesOf(full)];
  const after = [filesOf(incremental), filesOf(full)];
  expect(diffSets(before, after, { of: 'diff', earlier: set, limit: 2 })).toEqual({
    ...{ of: 'diff', unchanged: 3, added: 1, removed: 1, changed: 1, changedBytes: 10 * page, hasMore: true },
    files: [
      { path: 'base/5/200', change: 'removed', earlierBytes: 5 * page, laterBytes: 0, changedBytes: 5 * page },
      { path: 'base/5/300', change: 'added', earlierBytes: 0, laterBytes: 4 * page, changedBytes: 4 * page },
    ],
  });
  expect(diffSets(before, after, { of: 'diff', earlier: set, limit: 9 }).files[2]).toMatchObject({
    path: 'base/5/100',
    changedBytes: page,
  });
  expect(diffSets(after, after, { of: 'diff', earlier: set, limit: 9 })).toMatchObject({ unchanged: 5, files: [] });
});
