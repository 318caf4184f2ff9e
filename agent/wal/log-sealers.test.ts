import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { formatId } from '#core/id.ts';
import type { LogSealer } from '#agent/sets/log-objects.ts';
import { openLogSegment } from '#agent/sets/log-objects.ts';
import { LogSealers } from './log-sealers.ts';

const id = formatId('pool', 0, new Uint8Array(10));
const pools: readonly (readonly [string, LogSealer])[] = [
  ['plain', { id }],
  ['encrypted', { id, key: randomBytes(32) }],
];
const nameOf = (i: number) => ({ systemId: '7300000000000000001', branchId: 'b'.repeat(32), name: segmentName(i) });
const segmentName = (i: number): string => `00000001000000000000000${String(i)}`;

function openSealers(pool: LogSealer, segments: number): LogSealers {
  const sealers = new LogSealers({ pool, level: 3, channels: 2, segments });
  onTestFinished(() => sealers.close());
  return sealers;
}

test.each(pools)('K-081 threads seal many segments at once, each its own bytes: %s pool', async (_, pool) => {
  const sealers = openSealers(pool, 6);
  const bodies = Array.from({ length: 6 }, () => new Uint8Array(randomBytes(100_000)));
  const kept = bodies.map((body) => Buffer.from(body));
  const answers = await Promise.all(bodies.map((body, i) => sealers.seal(nameOf(i), body)));
  for (const [i, { sealed, raw }] of answers.entries()) {
    expect(Buffer.compare(openLogSegment(pool, sealed.key, sealed.stored), kept[i] ?? Buffer.alloc(0))).toBe(0);
    expect(Buffer.compare(raw, kept[i] ?? Buffer.alloc(0))).toBe(0);
  }
  expect(bodies.map(({ length }) => length)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('few segments are sealed without threads, one at a time', async () => {
  const sealers = openSealers({ id }, 3);
  const raw = new Uint8Array(randomBytes(100_000));
  const answer = await sealers.seal(nameOf(1), raw);
  expect(answer.raw).toBe(raw);
  expect(sealers.ahead(16 * 1024 * 1024)).toBe(0);
});

test('segments of a gigabyte are sealed one at a time: memory stays bounded', () => {
  const sealers = openSealers({ id }, 10);
  expect(sealers.ahead(16 * 1024 * 1024)).toBeGreaterThan(0);
  expect(sealers.ahead(1024 * 1024 * 1024)).toBe(0);
});

test('whoever waits for a segment hears that the sealers were closed', async () => {
  const sealers = openSealers({ id }, 10);
  const waiting = sealers.seal(nameOf(1), new Uint8Array(randomBytes(1_000_000)));
  const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  await sealers.close();
  await refused;
});
