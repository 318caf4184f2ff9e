import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hash128 } from '#agent/codec/hash.ts';
import type { Changed } from '#core/changed/changed-pages.ts';
import { baseFrame, zeroFrame } from '#core/format/meta.ts';
import { formatLsn, parseLsn } from '#core/wal/lsn.ts';
import type { CopyFixture } from '#tests/support/copy.ts';
import { openCopyFixture, sourceFile } from '#tests/support/copy.ts';
import { absoluteOf } from './copy-request.ts';
import type { BaseFiles, CopyResult, SourceFile } from './copy-request.ts';
import { openCopy } from './open-copy.ts';

const pageBytes = 8192;
const mebi = 1_048_576;
const since = 0x5000000;
let fixture: CopyFixture;
let root = '';
/** What the base holds, by path. */
let before: Map<string, Buffer>;

beforeEach(async () => {
  fixture = await openCopyFixture({ isEncrypted: true });
  root = join(fixture.folder, 'data');
  mkdirSync(root);
  before = new Map();
});
afterEach(() => {
  fixture.close();
});

/** Pages of noise with an old LSN and a pd_upper, as a relation has them. */
function pages(count: number): Buffer {
  const bytes = randomBytes(count * pageBytes);
  for (let page = 0; page < count; page++) stamp(bytes, page, 0x4000000 + page);
  return bytes;
}

function stamp(bytes: Buffer, page: number, lsn: number): void {
  bytes.writeUInt32LE(Math.floor(lsn / 2 ** 32), page * pageBytes);
  bytes.writeUInt32LE(lsn % 2 ** 32, page * pageBytes + 4);
  bytes.writeUInt16LE(4000, page * pageBytes + 14);
}

function change(bytes: Buffer, page: number): void {
  randomBytes(pageBytes).copy(bytes, page * pageBytes);
  stamp(bytes, page, since + page);
}

/** A file that the base holds as `old` and the disk as `now`. */
function file(path: string, old: Buffer | undefined, now: Buffer, changed: Changed): SourceFile {
  if (old !== undefined) before.set(path, old);
  writeFileSync(join(root, path), now);
  return { ...sourceFile(root, path), changed };
}

const base: BaseFiles = {
  sizeOf: (path) => before.get(path)?.length,
  timeOf: () => undefined,
  hashOf: (path, from, length) => {
    const bytes = before.get(path);
    const isExtent = from % mebi === 0 && (length === mebi || from + length === bytes?.length);
    return bytes === undefined || !isExtent ? '' : hash128(bytes.subarray(from, from + length));
  },
  isDamaged: () => false,
};

/** The bytes of a member, with the base's where it says so. */
function readBack(result: CopyResult, path: string): Buffer {
  const member = [...result.members].find((each) => each.path === path) ?? expect.unreachable();
  let at = 0;
  const own = member.extents.map((extent) => ({
    ...extent,
    frame: extent.frame === baseFrame ? zeroFrame : extent.frame,
  }));
  const bytes = fixture.read({ ...result, members: [{ ...member, extents: own }] }, path);
  for (const { frame, length } of member.extents) {
    if (frame === baseFrame) before.get(path)?.copy(bytes, at, at, at + length);
    at += length;
  }
  return bytes;
}

const expectEqual = (result: CopyResult, files: readonly SourceFile[]): void => {
  for (const { path, ...file } of files)
    expect(readBack(result, path).equals(readFileSync(absoluteOf({ ...file, path }))), path).toBe(true);
};

const byLsn: Changed = { kind: 'by-lsn', since: formatLsn(since), insertLsn: parseLsn('0/F000000') };

describe('listed blocks', () => {
  test('D-023 reads what is listed and nothing else, and scattered pages share frames', async () => {
    const old = pages(8000);
    const now = Buffer.from(old);
    const ranges = Array.from({ length: 1800 }, (_, i) => ({ from: i * 4, to: i * 4 + 1 }));
    for (const { from } of ranges) change(now, from);
    const files = [file('relation', old, now, { kind: 'blocks', ranges })];
    const result = await fixture.copy(files, { base });
    expectEqual(result, files);
    expect(result.bytesRead).toBe(1800 * pageBytes);
    expect(result.bytesOfBase).toBe(6200 * pageBytes);
    expect(result.frames.length).toBeLessThan(20);
  });

  test('D-023 stores nothing of a file without changes', async () => {
    const same = pages(300);
    const files = [
      file('listed', same, same, { kind: 'blocks', ranges: [] }),
      file('scanned', same, same, byLsn),
      file('hashed', same, same, { kind: 'by-hash' }),
      file('small', Buffer.from('16\n'), Buffer.from('16\n'), { kind: 'whole' }),
    ];
    const result = await fixture.copy(files, { base });
    expectEqual(result, files);
    expect(result.bytesSent).toBe(0);
    const framesOf = [...result.members].map(({ extents }) => extents.map(({ frame, length }) => [frame, length]));
    expect(new Set(framesOf.flat().map(([frame]) => frame))).toEqual(new Set([baseFrame]));
    expect(framesOf.every((extents) => extents.length === 1)).toBe(true);
  });

  test('D-023 stores what lies behind the end of the base, and all of a file that the base has not', async () => {
    const old = pages(100);
    const now = Buffer.concat([old, pages(60)]);
    const none = { kind: 'blocks', ranges: [] } as const;
    const files = [
      file('grown', old, now, none),
      file('new', undefined, pages(5), none),
      file('scanned', old, now, byLsn),
    ];
    const result = await fixture.copy(files, { base });
    expectEqual(result, files);
    expect(result.bytesOfBase).toBe(200 * pageBytes);
  });

  test('a file that was cut while it was copied has its real size', async () => {
    const old = pages(600);
    const now = Buffer.from(old);
    change(now, 10);
    change(now, 500);
    const files = [
      file('cut', old, now, {
        kind: 'blocks',
        ranges: [
          { from: 10, to: 11 },
          { from: 500, to: 501 },
        ],
      }),
    ];
    truncateSync(join(root, 'cut'), 300 * pageBytes);
    const result = await fixture.copy(files, { base });
    expect([...result.members][0]?.sizeBytes).toBe(500 * pageBytes);
    expect(
      readBack(result, 'cut')
        .subarray(0, 300 * pageBytes)
        .equals(now.subarray(0, 300 * pageBytes)),
    ).toBe(true);
  });
});

describe('scanned pages', () => {
  test('D-038 stores pages at or after the begin of the base, zeroed ones and those without LSN, and no others', async () => {
    const old = pages(1000);
    const now = Buffer.from(old);
    for (const page of [0, 1, 130, 999]) change(now, page);
    now.fill(0, 200 * pageBytes, 203 * pageBytes);
    stamp(now, 300, 0);
    now.writeUInt16LE(0, 400 * pageBytes + 14);
    stamp(now, 500, since);
    const files = [file('relation', old, now, byLsn)];
    const result = await fixture.copy(files, { base });
    expectEqual(result, files);
    expect(result.bytesOfBase).toBe((1000 - 4 - 3 - 3) * pageBytes);
    expect(result.bytesRead).toBe(1000 * pageBytes);
    expect(result.frames).toHaveLength(1);
  });

  test('D-038 finds a page by the high word of its LSN too', async () => {
    const old = pages(3);
    const now = Buffer.from(old);
    change(now, 1);
    stamp(now, 1, 7 * 2 ** 32);
    stamp(now, 2, 2 ** 32 + 1);
    const later: Changed = { kind: 'by-lsn', since: formatLsn(5 * 2 ** 32), insertLsn: formatLsn(8 * 2 ** 32) };
    const result = await fixture.copy([file('relation', old, now, later)], { base });
    expect([...result.members][0]?.extents.map(({ frame, length }) => [frame, length / pageBytes])).toEqual([
      [baseFrame, 1],
      [0, 1],
      [baseFrame, 1],
    ]);
  });
});

test('D-023 stores of a hashed file the extents that differ', async () => {
  const old = pages(640);
  const now = Buffer.from(old);
  change(now, 200);
  const files = [file('relation', old, now, { kind: 'by-hash' })];
  const result = await fixture.copy(files, { base });
  expectEqual(result, files);
  expect(result.bytesOfBase).toBe(4 * mebi);
});

test.each([
  { how: 'listed', kind: 'blocks' },
  { how: 'scanned', kind: 'by-lsn' },
] as const)(
  'K-047 sends no acknowledged byte of $how pages again, also when more has changed around them',
  async ({ kind }) => {
    const old = pages(4000);
    const now = Buffer.from(old);
    const changedPages = Array.from({ length: 2000 }, (_, i) => i * 2);
    for (const page of changedPages) change(now, page);
    const changedAt = (list: readonly number[]): Changed =>
      kind === 'by-lsn' ? byLsn : { kind, ranges: list.map((page) => ({ from: page, to: page + 1 })) };
    const first = [file('relation', old, now, changedAt(changedPages))];
    const control = new AbortController();
    const request = fixture.request({
      base,
      onAcknowledged: (piece) => {
        fixture.acknowledged.push(piece);
        control.abort();
      },
    });
    const session = await openCopy(request, fixture.step({ signal: control.signal }));
    await expect(session.copy(first).then(() => session.finish({}))).rejects.toMatchObject({ code: 'cancelled' });
    await session.close();
    const held = fixture.acknowledged.flatMap(({ extents }) => extents).reduce((sum, { length }) => sum + length, 0);
    expect(held).toBeGreaterThan(pageBytes);

    for (const page of [1, 2001, 3999]) change(now, page);
    const second = [file('relation', old, now, changedAt([...changedPages, 1, 2001, 3999].sort((a, b) => a - b)))];
    const result = await fixture.copy(second, { base });
    expectEqual(result, second);
    expect(result.bytesReused).toBe(held);
  },
);
