import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { RateLimits } from '#core/run/rate.ts';
import type { CopyFixture } from '#tests/support/copy.ts';
import { openCopyFixture, sourceFile } from '#tests/support/copy.ts';
import { absoluteOf } from './copy-request.ts';
import type { SourceFile } from './copy-request.ts';
import { openCopy } from './open-copy.ts';

const mebi = 1_048_576;
let fixture: CopyFixture;
let root = '';
let files: SourceFile[] = [];

beforeEach(async () => {
  fixture = await openCopyFixture({ isEncrypted: true });
  root = join(fixture.folder, 'data');
  mkdirSync(root);
  for (const [name, size] of Object.entries({ big: 40 * mebi, middle: 9 * mebi + 17 }))
    writeFileSync(join(root, name), randomBytes(size));
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `small-${String(i)}`), randomBytes(100 + i * 200));
  files = readdirSync(root).map((name) => sourceFile(root, name));
});
afterEach(() => {
  fixture.close();
});

const bytesReadSoFar = (): number => Math.max(0, ...fixture.reports.map(({ bytesRead }) => bytesRead));

const expectEqual = (result: Awaited<ReturnType<CopyFixture['copy']>>): void => {
  for (const { path, ...file } of files)
    expect(fixture.read(result, path).equals(readFileSync(absoluteOf({ ...file, path }))), path).toBe(true);
};

/** Runs one attempt and stops it after so many acknowledged pieces. */
async function stopAfter(pieces: number): Promise<void> {
  const control = new AbortController();
  let left = pieces;
  const request = fixture.request({
    onAcknowledged: (piece) => {
      if (control.signal.aborted) return;
      fixture.acknowledged.push(piece);
      if (--left === 0) control.abort();
    },
  });
  const session = await openCopy(request, fixture.step({ signal: control.signal }));
  await expect(session.copy(files).then(() => session.finish({}))).rejects.toMatchObject({ code: 'cancelled' });
  await session.close();
}

describe('resume', () => {
  test('K-047 sends no acknowledged byte again after an attempt that was stopped, twice', async () => {
    await stopAfter(2);
    await stopAfter(1);
    const earlier = fixture.acknowledged.slice();
    const held = earlier.flatMap(({ extents }) => extents).reduce((sum, { length }) => sum + length, 0);
    const result = await fixture.copy(files);
    expect(result.bytesReused).toBe(held);
    expectEqual(result);
    const sentTwice = fixture.acknowledged
      .flatMap(({ extents }) => extents.map(({ path, from }) => `${path}@${String(from)}`))
      .filter((name, i, all) => all.indexOf(name) !== i);
    expect(sentTwice).toEqual([]);
    expect(result.pieces.slice(0, earlier.length)).toEqual(earlier.map(({ piece }) => piece));
  });

  test('K-047 sends nothing when everything was acknowledged, and only what changed since', async () => {
    await fixture.copy(files);
    const again = await fixture.copy(files);
    expect(again.bytesSent).toBe(0);
    expectEqual(again);
    const changed = join(root, 'small-7');
    writeFileSync(changed, randomBytes(readFileSync(changed).length));
    const third = await fixture.copy(files);
    expect(third.bytesSent).toBeLessThan(10_000);
    expectEqual(third);
  });

  test('K-047 sends again what a piece held that the pool has lost', async () => {
    await fixture.copy(files);
    const lost = fixture.acknowledged[0]?.piece;
    if (lost === undefined || fixture.pool.place.kind !== 'local') throw bug('no piece');
    rmSync(join(fixture.pool.place.directory, pieceKey(fixture.set.setId, lost.attempt, lost.piece)));
    const result = await fixture.copy(files);
    expect(result.bytesSent).toBeGreaterThan(mebi);
    expect(result.pieces).not.toContainEqual(lost);
    expectEqual(result);
  });
});

describe('limits and cancel', () => {
  /** Copies under limits and tells how many seconds it took. */
  async function secondsUnder(limits: () => RateLimits): Promise<number> {
    const began = performance.now();
    const session = await openCopy(fixture.request(), fixture.step({ limits }));
    await session.copy(files);
    await session.finish({});
    return (performance.now() - began) / 1000;
  }
  const total = (): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

  test('K-085 keeps the transfer to the pool at or below its limit', async () => {
    const limit = 25 * mebi;
    expect(await secondsUnder(() => ({ transferBytesPerSecond: limit }))).toBeGreaterThan((total() / limit) * 0.95);
  });

  test('K-086 keeps the reading of the disk at or below its limit', async () => {
    const limit = 25 * mebi;
    expect(await secondsUnder(() => ({ diskBytesPerSecond: limit }))).toBeGreaterThan((total() / limit) * 0.95);
  });

  test('K-085 applies a new limit to a running copy', async () => {
    let limits: RateLimits = { transferBytesPerSecond: 1000 };
    const session = await openCopy(fixture.request(), fixture.step({ limits: () => limits }));
    const copied = session.copy(files);
    await expect.poll(bytesReadSoFar, { timeout: 20_000 }).toBeGreaterThan(0);
    limits = {};
    await copied;
    const result = await session.finish({});
    expectEqual(result);
  });

  test('K-085 stops a throttled copy when it is cancelled and leaves no temporary object', async () => {
    const control = new AbortController();
    const step = fixture.step({ signal: control.signal, limits: () => ({ transferBytesPerSecond: 1000 }) });
    const session = await openCopy(fixture.request(), step);
    const copied = session.copy(files);
    await expect.poll(bytesReadSoFar, { timeout: 20_000 }).toBeGreaterThan(0);
    control.abort();
    await expect(copied).rejects.toMatchObject({ code: 'cancelled' });
    await session.close();
    const left = readdirSync(fixture.folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.tmp-'),
    );
    expect(left).toEqual([]);
    await expect(session.finish({})).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('K-081 copies the same with 1 and with 255 channels, in bounded memory', async () => {
    for (const channels of [1, 255]) expectEqual(await fixture.copy(files, { channels, acknowledged: [] }));
    const last = fixture.reports.at(-1);
    expect(last).toMatchObject({ phase: 'copy', bytesTotal: total(), filesDone: files.length });
  });
});
