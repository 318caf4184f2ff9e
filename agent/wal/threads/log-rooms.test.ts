import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import type { HeldSegment, LogPipeline } from './log-pipeline.ts';
import { collectGarbage } from '#agent/tune-v8.ts';
import { LogRooms, logRooms } from './log-rooms.ts';
import { openLogPipeline } from './log-threads.ts';

const pool = { id: formatId('pool', 0, new Uint8Array(10)) };
const mib = 1024 * 1024;
const segmentBytes = 8 * mib;
const log = { systemId: '7300000000000000001', branchId: 'b'.repeat(32), name: '000000010000000000000001' };

function segmentFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hf-log-rooms-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, log.name);
  writeFileSync(file, Buffer.alloc(segmentBytes, 7));
  return file;
}

const openPipeline = (bytes = segmentBytes): LogPipeline =>
  openLogPipeline({ pool, level: 0, channels: 2, isPutAtOnce: true, sizes: Array.from({ length: 5 }, () => bytes) });

/** Fills every room for a segment and for what it is sealed into. */
async function fill(pipeline: LogPipeline, file: string): Promise<readonly HeldSegment[]> {
  const found = await Promise.all(Array.from({ length: pipeline.ahead + 1 }, () => pipeline.read(file)));
  const held = found.filter((each) => each !== undefined);
  if (held.length !== found.length) throw bug('the file is gone');
  for (const each of held) await pipeline.seal(log, each);
  return held;
}

test('the memory of a log backup serves the next one: ten in a row take no more than one', async () => {
  const file = segmentFile();
  const made = logRooms.made;
  for (let i = 0; i < 10; i++) {
    const pipeline = openPipeline(i % 2 === 0 ? segmentBytes : segmentBytes / 2 + i);
    for (const each of await fill(pipeline, file)) pipeline.release(each);
    await pipeline.close();
    await pipeline.close();
  }
  expect(logRooms.made).toBeLessThanOrEqual(made + 1);
});

test('memory is handed on only when the threads have ended and nothing of it is held', async () => {
  const file = segmentFile();
  const made = logRooms.made;
  const pipeline = openPipeline();
  const [held, ...others] = await fill(pipeline, file);
  for (const each of others) pipeline.release(each);
  if (held !== undefined) pipeline.release(held);
  const beside = openPipeline();
  expect(logRooms.made).toBe(made + 1);
  const [late, ...rest] = await fill(beside, file);
  for (const each of rest) beside.release(each);
  await beside.close();
  const third = openPipeline();
  expect(logRooms.made).toBe(made + 2);
  if (late !== undefined) beside.release(late);
  const fourth = openPipeline();
  expect(logRooms.made).toBe(made + 2);
  await Promise.all([pipeline, third, fourth].map((each) => each.close()));
});

test('a read that fails and a pipeline that is closed while it reads keep no memory', async () => {
  const made = logRooms.made;
  for (let i = 0; i < 3; i++) {
    const pipeline = openPipeline();
    await expect(pipeline.read(tmpdir())).rejects.toMatchObject({ code: 'archive_directory_unreadable' });
    const waiting = expect(pipeline.read('/nowhere/at/all')).rejects.toMatchObject({ code: 'cancelled' });
    await pipeline.close();
    await waiting;
  }
  expect(logRooms.made).toBe(made);
});

const residentMiB = (): number => process.memoryUsage().rss / mib;

/** Uses a room to its last byte and gives it back; what it took of the system. */
function useRoom(rooms: LogRooms): number {
  const before = residentMiB();
  const room = rooms.take({ memory: 128 * mib, sealed: 128 * mib });
  for (const buffer of [room.memory.buffer, room.sealed]) new Uint8Array(buffer).fill(1);
  const taken = residentMiB() - before;
  rooms.giveBack(room);
  return taken;
}

test('what a log backup kept for the next one is given back to the system before other work takes memory', async () => {
  const rooms = new LogRooms(collectGarbage);
  expect(useRoom(rooms)).toBeGreaterThan(200);
  expect(useRoom(rooms)).toBeLessThan(50);
  // A new turn of the event loop: nothing on the stack refers to it.
  await new Promise(setImmediate);
  const kept = residentMiB();
  rooms.letGo();
  await expect.poll(() => kept - residentMiB()).toBeGreaterThan(200);
  rooms.letGo();
  expect(rooms.made).toBe(1);
});

test('a room is made when none is large enough, and the larger of two stays', () => {
  const rooms = new LogRooms(() => undefined);
  const small = { memory: 65_536, sealed: 100 };
  const large = { memory: 131_072, sealed: 200 };
  const first = rooms.take(small);
  const second = rooms.take(large);
  expect(rooms.made).toBe(2);
  rooms.giveBack(second);
  rooms.giveBack(first);
  expect(rooms.take(large)).toBe(second);
  rooms.giveBack(second);
  expect(rooms.take(small)).toBe(second);
  expect(rooms.take({ memory: 65_536, sealed: 300 })).not.toBe(second);
  expect(rooms.made).toBe(3);
});
