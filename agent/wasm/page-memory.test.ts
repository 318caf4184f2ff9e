import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hash128 } from '#agent/codec/hash.ts';
import { crc32cOver } from '#core/wal/crc32c.ts';
import { extentBytes, openPageMemory } from './page-memory.ts';

const binaries = '/usr/lib/postgresql/15/bin';
const pageBytes = 8192;
const relation = /^\d+$/;

/** Whole relation files of a fresh cluster with checksums, first segment only. */
function relationFiles(directory: string): readonly string[] {
  const database = join(directory, 'base', '1');
  return readdirSync(database)
    .filter((name) => relation.test(name))
    .map((name) => join(database, name));
}

/** A small deterministic generator (xorshift32): a failure names the flip that showed it. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe('page scanner on pages that PostgreSQL wrote', () => {
  let directory = '';
  let pages: Buffer[] = [];
  const numbered: { page: Buffer; block: number }[] = [];

  beforeAll(() => {
    directory = mkdtempSync('/tmp/holdfast-pages-');
    const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
    chownSync(directory, uid, uid);
    const data = join(directory, 'data');
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, uid, uid);
    const rights = process.getuid?.() === 0 ? { uid, gid: uid } : {};
    execFileSync(join(binaries, 'initdb'), ['-k', '-N', '--no-locale', '-D', data], {
      ...rights,
      cwd: directory,
      stdio: 'ignore',
    });
    for (const path of relationFiles(data)) {
      const bytes = readFileSync(path);
      for (let at = 0; at + pageBytes <= bytes.length; at += pageBytes) {
        numbered.push({ page: bytes.subarray(at, at + pageBytes), block: at / pageBytes });
      }
    }
    pages = numbered.map(({ page }) => page);
  }, 60_000);

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  test('K-047 accepts every page of a fresh PostgreSQL 15 cluster', () => {
    const memory = openPageMemory(pageBytes);
    expect(pages.length).toBeGreaterThan(500);
    for (const { page, block } of numbered) {
      memory.bytes.set(page);
      expect(memory.badPages(0, 1, block)).toEqual([]);
    }
  });

  test('K-047 finds 1 000 of 1 000 flipped bits', () => {
    const memory = openPageMemory(pageBytes);
    const random = randomFrom(20_261_121);
    const missed: string[] = [];
    for (let flip = 0; flip < 1000; flip++) {
      const { page = Buffer.alloc(pageBytes), block = 0 } = numbered[random(numbered.length)] ?? {};
      const [at, bit] = [random(pageBytes), random(8)];
      memory.bytes.set(page);
      memory.bytes[at] = (memory.bytes[at] ?? 0) ^ (1 << bit);
      if (memory.badPages(0, 1, block).length !== 1) missed.push(`byte ${String(at)} bit ${String(bit)}`);
    }
    expect(missed).toEqual([]);
  });

  test('K-047 rejects a page that stands at another block number', () => {
    const memory = openPageMemory(pageBytes);
    const used = numbered.filter(({ page }) => page.readUInt16LE(14) !== 0).slice(0, 128);
    for (const { page, block } of used) {
      memory.bytes.set(page);
      expect(memory.badPages(0, 1, block + 1)).toEqual([0]);
    }
  });

  test('K-047 names the bad pages of a whole extent and leaves the bytes as they were', () => {
    const memory = openPageMemory(pageBytes);
    const { page = Buffer.alloc(pageBytes), block = 0 } = numbered[0] ?? {};
    memory.bytes.fill(0);
    memory.bytes.set(page, 5 * pageBytes);
    const before = Buffer.from(memory.bytes);
    expect(memory.badPages(0, extentBytes / pageBytes, block - 5)).toEqual([]);
    expect(memory.badPages(0, extentBytes / pageBytes, block)).toEqual([5]);
    expect(before.equals(memory.bytes)).toBe(true);
  });
});

test('K-047 accepts a page that is all zero and rejects one with a zero header and other bytes', () => {
  const memory = openPageMemory(pageBytes);
  memory.bytes.fill(0);
  expect(memory.badPages(0, 128, 0)).toEqual([]);
  expect(memory.isZero(0, extentBytes)).toBe(true);
  memory.bytes[pageBytes * 3 - 1] = 1;
  expect(memory.badPages(0, 128, 0)).toEqual([2]);
  expect(memory.isZero(0, extentBytes)).toBe(false);
  expect(memory.isZero(0, pageBytes * 3 - 1)).toBe(true);
});

test('D-038 tells pages that a copy up to a log position may lack', () => {
  const memory = openPageMemory(pageBytes);
  const random = randomFrom(11);
  const since = 3 * 2 ** 32 + 77;
  const expected: number[] = [];
  for (let page = 0; page < 128; page++) {
    const high = [0, 2, 3, 3, 4][random(5)] ?? 0;
    const low = [0, 76, 77, 78, 0xffffffff][random(5)] ?? 0;
    const upper = [0, 8000, 8000, 8000][random(4)] ?? 0;
    const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset + page * pageBytes, 16);
    view.setUint32(0, high, true);
    view.setUint32(4, low, true);
    view.setUint16(14, upper, true);
    const lsn = high * 2 ** 32 + low;
    expected.push(lsn >= since || lsn === 0 || upper === 0 ? 1 : 0);
  }
  expect([...memory.newerPages(0, 128, since)]).toEqual(expected);
  expect(new Set(expected)).toEqual(new Set([0, 1]));
  expect([...memory.newerPages(3 * pageBytes, 2, since)]).toEqual(expected.slice(3, 5));
});

test('K-047 hashes bytes in place exactly as the XXH3-128 of the format', () => {
  const memory = openPageMemory(pageBytes);
  const random = randomFrom(7);
  for (let i = 0; i < extentBytes; i++) memory.bytes[i] = random(256);
  const edges = [1, 16, 128, 240, 241, 256, 1023, 1024, 1025, 1088, 2048, 8192, extentBytes - 1, extentBytes];
  for (const length of [...edges, ...Array.from({ length: 200 }, () => 1 + random(20_000))]) {
    const from = random(extentBytes - length + 1);
    const view = memory.bytes.subarray(from, from + length);
    const expected = hash128(view);
    expect(memory.hash(from, length), String(length)).toBe(expected);
    expect([memory.hashOf(view), memory.hashOf(view.slice())], String(length)).toEqual([expected, expected]);
  }
});

test('K-089 sums bytes in place exactly as CRC-32C by tables does, whatever their length', () => {
  const memory = openPageMemory(8192);
  const bytes = randomBytes(memory.bytes.length);
  memory.bytes.set(bytes);
  // Around where folding begins, where a chunk of it ends, and the whole.
  const lengths = [0, 1, 7, 8, 4096, 8191, 8192, 8193, 36_111, 36_112, 36_113, 68_880, 131_072, 1_000_003, 1_048_576];
  for (const length of lengths) {
    for (const from of [0, 5, 4096].filter((at) => at + length <= bytes.length)) {
      const part = Buffer.from(bytes.subarray(from, from + length));
      const expected = crc32cOver(0, new DataView(part.buffer, part.byteOffset, length), 0, length) >>> 0;
      const found = [memory.crcOf(memory.bytes.subarray(from, from + length)), memory.crcOf(part)];
      expect(found, `${String(length)} bytes from ${String(from)}`).toEqual([expected, expected]);
    }
  }
});
