import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import { bug } from '#core/errors/fail.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { CopyFixture } from '#tests/support/copy.ts';
import { openCopyFixture, sourceFile } from '#tests/support/copy.ts';
import { absoluteOf } from './copy-request.ts';
import { openCopy } from './open-copy.ts';

const pageBytes = 8192;
const extent = 1_048_576;
let fixture: CopyFixture;
let root = '';

beforeEach(async () => {
  fixture = await openCopyFixture();
  root = join(fixture.folder, 'data');
});
afterEach(() => {
  fixture.close();
});

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** Bytes that zstd cannot shrink much and that differ by seed (xorshift32). */
function noise(length: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** A page with a right checksum, found by trying all 65 535 of them: independent of how the scanner computes it. */
function validPage(block: number, lsn: { high: number; low: number }): Buffer {
  const page = noise(pageBytes, block + 1);
  page.writeUInt32LE(lsn.high, 0);
  page.writeUInt32LE(lsn.low, 4);
  page.writeUInt16LE(100, 14);
  const memory = openPageMemory(pageBytes);
  for (let sum = 1; sum <= 65_535; sum++) {
    page.writeUInt16LE(sum, 8);
    memory.bytes.set(page);
    if (memory.badPages(0, 1, block).length === 0) return page;
  }
  throw bug('no checksum fits');
}

const relationOf = (pages: readonly Buffer[]): Buffer => Buffer.concat(pages);

describe('page checksums', () => {
  test('K-047 names file and block of a damaged page and copies the rest', async () => {
    const pages = Array.from({ length: 6 }, (_, block) => validPage(block, { high: 0, low: 50 }));
    const bytes = relationOf(pages);
    bytes[3 * pageBytes + 5000] = (bytes[3 * pageBytes + 5000] ?? 0) ^ 4;
    write('base/5/16384', bytes);
    const result = await fixture.copy([sourceFile(root, 'base/5/16384', 0)], { beginLsn: parseLsn('0/64') });
    expect(result.damagedPages).toEqual([{ path: 'base/5/16384', block: 3 }]);
    expect(fixture.read(result, 'base/5/16384').equals(bytes)).toBe(true);
  });

  test('K-047 takes a torn page whose LSN lies at or after the begin LSN, unless it lies beyond the end LSN', async () => {
    const pages = [validPage(131_072, { high: 0, low: 100 }), validPage(131_073, { high: 7, low: 1 })];
    for (const page of pages) page[4000] = (page[4000] ?? 0) ^ 1;
    write('base/5/16385.1', relationOf(pages));
    const session = await openCopy(fixture.request({ beginLsn: parseLsn('0/64') }), fixture.step());
    await session.copy([sourceFile(root, 'base/5/16385.1', 131_072)]);
    const result = await session.finish({ endLsn: parseLsn('1/0') });
    expect(result.damagedPages).toEqual([{ path: 'base/5/16385.1', block: 1 }]);
  });

  test('K-047 accepts a partial last page and takes files without page checksums as they are', async () => {
    const relation = Buffer.concat([validPage(0, { high: 0, low: 1 }), noise(100, 9)]);
    write('base/5/1', relation);
    write('global/pg_filenode.map', noise(512, 3));
    const files = [sourceFile(root, 'base/5/1', 0), sourceFile(root, 'global/pg_filenode.map')];
    const result = await fixture.copy(files);
    expect(result.damagedPages).toEqual([]);
    for (const { path, ...file } of files)
      expect(fixture.read(result, path).equals(readFileSync(absoluteOf({ ...file, path })))).toBe(true);
  });
});

describe('files that change under the copy', () => {
  test('K-047 leaves out a file that vanished and fails when it must exist', async () => {
    write('a', noise(100, 1));
    write('b', noise(3 * extent, 2));
    const files = [sourceFile(root, 'a'), sourceFile(root, 'b')];
    rmSync(join(root, 'b'));
    const result = await fixture.copy(files);
    expect(result.vanished).toEqual(['b']);
    expect([...result.members].map(({ path }) => path)).toEqual(['a']);
    const needed = files.map((file) => ({ ...file, mustExist: true }));
    await expect(fixture.copy(needed)).rejects.toMatchObject({ code: 'source_missing' });
  });

  test('K-047 copies a file that grew only up to its scanned size', async () => {
    write('a', noise(3 * extent + 10, 1));
    write('small', noise(1000, 2));
    const files = [sourceFile(root, 'a'), sourceFile(root, 'small')];
    const before = files.map((file) => readFileSync(absoluteOf(file)));
    appendFileSync(join(root, 'a'), noise(extent, 3));
    appendFileSync(join(root, 'small'), noise(50, 4));
    const result = await fixture.copy(files);
    expect([...result.members].map(({ sizeBytes }) => sizeBytes)).toEqual([3 * extent + 10, 1000]);
    for (const [i, { path }] of files.entries()) expect(before[i]?.equals(fixture.read(result, path))).toBe(true);
  });

  test('K-047 records the real size of a file that became shorter', async () => {
    write('big', noise(20 * extent, 1));
    write('small', noise(5000, 2));
    write('empty', noise(5000, 2));
    const files = ['big', 'small', 'empty'].map((path) => sourceFile(root, path));
    truncateSync(join(root, 'big'), 9 * extent + 77);
    truncateSync(join(root, 'small'), 4000);
    truncateSync(join(root, 'empty'), 0);
    const result = await fixture.copy(files);
    for (const { path, ...file } of files)
      expect(fixture.read(result, path).equals(readFileSync(absoluteOf({ ...file, path }))), path).toBe(true);
  });

  test('K-047 stores zero extents nowhere and reads them back', async () => {
    write('zeros', Buffer.alloc(5 * extent + 100));
    write('mixed', Buffer.concat([noise(extent, 1), Buffer.alloc(2 * extent), noise(70, 2)]));
    write('little', Buffer.alloc(3000));
    write('nothing', Buffer.alloc(0));
    const files = ['zeros', 'mixed', 'little', 'nothing'].map((path) => sourceFile(root, path));
    const result = await fixture.copy(files);
    for (const { path, ...file } of files)
      expect(fixture.read(result, path).equals(readFileSync(absoluteOf({ ...file, path }))), path).toBe(true);
    const stored = [...result.members].flatMap(({ extents }) => extents).filter(({ frame }) => frame >= 0);
    expect(stored.map(({ length }) => length).sort()).toEqual([extent, 70].sort());
  });
});

describe('members decided late', () => {
  test('K-047 puts backup_label, log and pg_control after everything else', async () => {
    write('base/1', noise(2 * extent, 1));
    write('pg_wal/000000010000000000000001', noise(extent, 2));
    const session = await openCopy(fixture.request(), fixture.step());
    await session.copy([sourceFile(root, 'base/1')]);
    await session.copy([sourceFile(root, 'pg_wal/000000010000000000000001')]);
    const label = Buffer.from('START WAL LOCATION: 0/2000028\n');
    const large = noise(2 * extent + 5, 7);
    await session.add({ path: 'backup_label', mode: 0o600, mtimeMs: 1, bytes: label });
    await session.add({ path: 'global/pg_control', mode: 0o600, mtimeMs: 1, bytes: large });
    const result = await session.finish({});
    expect([...result.members].map(({ path }) => path)).toEqual([
      'base/1',
      'pg_wal/000000010000000000000001',
      'backup_label',
      'global/pg_control',
    ]);
    expect(fixture.read(result, 'backup_label').equals(label)).toBe(true);
    expect(fixture.read(result, 'global/pg_control').equals(large)).toBe(true);
  });
});
