import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { fastLevel } from '#agent/codec/zstd.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { openLogSegment } from '#agent/sets/log-objects.ts';
import type { LogSealer } from '#agent/sets/seal-log.ts';
import { sealLogSegment } from '#agent/sets/seal-log.ts';
import type { HeldSegment, LogPipeline } from './log-pipeline.ts';
import { openLogPipeline } from './log-threads.ts';

const id = formatId('pool', 0, new Uint8Array(10));
const pools: readonly (readonly [string, LogSealer])[] = [
  ['plain', { id }],
  ['encrypted', { id, key: randomBytes(32) }],
];
const segmentBytes = 300_000;
const nameOf = (i: number) => ({ systemId: '7300000000000000001', branchId: 'b'.repeat(32), name: segmentName(i) });
const segmentName = (i: number): string => `00000001000000000000000${String(i)}`;

function openPipeline(pool: LogSealer, sizes: readonly number[], isPutAtOnce = true): LogPipeline {
  const pipeline = openLogPipeline({ pool, level: fastLevel, channels: 2, isPutAtOnce, sizes });
  onTestFinished(() => pipeline.close());
  return pipeline;
}

/** Files of random bytes; half of each is zeros. */
function archiveOf(sizes: readonly number[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'hf-log-threads-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return sizes.map((size, i) => {
    const file = join(directory, segmentName(i));
    writeFileSync(file, Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2)]));
    return file;
  });
}

async function held(pipeline: LogPipeline, file: string | undefined): Promise<HeldSegment> {
  const found = await pipeline.read(file ?? '');
  if (found === undefined) throw bug('the file is gone');
  return found;
}

test.each(pools)('K-081 threads read and seal many segments at once, each its own bytes: %s pool', async (_, pool) => {
  const sizes = Array.from({ length: 4 }, () => segmentBytes);
  const pipeline = openPipeline(pool, sizes);
  const files = archiveOf(sizes);
  const segments = await Promise.all(files.map((file) => held(pipeline, file)));
  const sealed = await Promise.all(segments.map((segment, i) => pipeline.seal(nameOf(i), segment)));
  for (const [i, { key, stored, rawSha256, storedSha256 }] of sealed.entries()) {
    const { bytes } = segments[i] ?? { bytes: new Uint8Array(0) };
    expect(Buffer.compare(openLogSegment(pool, key, stored), bytes)).toBe(0);
    expect(rawSha256).toBe(sha256Hex(bytes));
    expect(storedSha256).toBe(sha256Hex(stored));
    if (pool.key === undefined) expect(Buffer.compare(sealLogSegment(pool, nameOf(i), bytes).stored, stored)).toBe(0);
  }
});

test('a room serves again after it was let go, a file that is gone takes none', async () => {
  const sizes = Array.from({ length: 5 }, () => segmentBytes);
  const pipeline = openPipeline({ id }, sizes);
  const [file] = archiveOf(sizes);
  for (let i = 0; i < 3 * (pipeline.ahead + 1); i++) {
    expect(await pipeline.read('/nowhere/at/all')).toBeUndefined();
    pipeline.release(await held(pipeline, file));
  }
});

test('what is no log has no reading, what cannot be read says why', async () => {
  const sizes = Array.from({ length: 5 }, () => segmentBytes);
  const pipeline = openPipeline({ id }, sizes);
  const [file] = archiveOf(sizes);
  const segment = await held(pipeline, file);
  expect((await pipeline.check(segment)).reading).toBeUndefined();
  expect(await pipeline.hash(segment)).toBe(sha256Hex(segment.bytes));
  await expect(pipeline.read(tmpdir())).rejects.toMatchObject({ code: 'archive_directory_unreadable' });
});

test('what a network may still be sending has bytes of its own, which the next segment leaves alone', async () => {
  const sizes = Array.from({ length: 4 }, () => segmentBytes);
  const files = archiveOf(sizes);
  for (const isPutAtOnce of [true, false]) {
    const pipeline = openPipeline({ id }, sizes, isPutAtOnce);
    const first = await held(pipeline, files[0]);
    const { stored, storedSha256 } = await pipeline.seal(nameOf(0), first);
    pipeline.release(first);
    await pipeline.seal(nameOf(1), await held(pipeline, files[1]));
    expect(sha256Hex(stored) === storedSha256).toBe(!isPutAtOnce);
  }
});

test('few segments and segments of a gigabyte are taken one at a time without threads: memory stays bounded', () => {
  expect(openPipeline({ id }, [100, 100, 100]).ahead).toBe(0);
  expect(
    openPipeline(
      { id },
      Array.from({ length: 10 }, () => 1 << 30),
    ).ahead,
  ).toBe(0);
});

test('memory is counted with the copies for a network: what does not fit for two segments goes one at a time', () => {
  const mib = 1024 * 1024;
  const aheadOf = (sizeMiB: number, channels: number, isPutAtOnce: boolean): number => {
    const sizes = Array.from({ length: 4 }, () => sizeMiB * mib);
    const pipeline = openLogPipeline({ pool: { id }, level: 3, channels, isPutAtOnce, sizes });
    onTestFinished(() => pipeline.close());
    return pipeline.ahead;
  };
  expect(aheadOf(64, 1, true)).toBe(0);
  expect(aheadOf(64, 2, true)).toBe(0);
  expect(aheadOf(32, 1, true)).toBe(1);
  expect(aheadOf(32, 1, false)).toBe(0);
  expect(aheadOf(16, 1, false)).toBe(1);
});

test('whoever waits for a segment hears that the pipeline was closed', async () => {
  const sizes = Array.from({ length: 4 }, () => segmentBytes);
  const pipeline = openPipeline({ id }, sizes);
  const waiting = pipeline.read(archiveOf(sizes)[0] ?? '');
  const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  await pipeline.close();
  await refused;
});
