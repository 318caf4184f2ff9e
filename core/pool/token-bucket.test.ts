import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTokenBucket, longestWaitMs } from './token-bucket.ts';

/** Takes bodies one after another, sleeping as told, and returns the milliseconds it took. */
function timeOf(bodies: readonly number[], rate: number): number {
  let nowMs = 0;
  const bucket = createTokenBucket(() => rate, { nowMs: () => nowMs });
  for (const bytes of bodies)
    for (let wait = bucket.book(bytes); wait > 0; wait = bucket.book(0)) nowMs += Math.max(wait, 0.001);
  return nowMs;
}

test('K-085 bodies of any size pass at the rate, within 5 % over 10 s', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 200, maxLength: 400 }), (bodies) => {
      const total = bodies.reduce((sum, bytes) => sum + bytes, 0);
      const rate = total / 10;
      expect(Math.abs(timeOf(bodies, rate) - 10_000)).toBeLessThan(500);
    }),
    { numRuns: 20 },
  );
});

test('K-086 nobody is told to sleep longer than half a second before the limit is looked at again', () => {
  const bucket = createTokenBucket(() => 1, { nowMs: () => 0 });
  expect(bucket.book(1_000_000)).toBe(longestWaitMs);
});

test('without a limit nobody waits, and a limit that comes later does not punish what passed before', () => {
  const limits: { now?: number } = {};
  let nowMs = 0;
  const bucket = createTokenBucket(() => limits.now, { nowMs: () => nowMs });
  expect(bucket.book(1e12)).toBe(0);
  limits.now = 1000;
  nowMs = 1000;
  expect(bucket.book(100)).toBe(0);
});

test('a rate of 0 lets nothing pass until it is another one, and what waited then passes at that', () => {
  const limits: { now: number | undefined } = { now: 0 };
  let nowMs = 0;
  const bucket = createTokenBucket(() => limits.now, { nowMs: () => nowMs });
  expect(bucket.book(1000)).toBe(longestWaitMs);
  nowMs = 3_600_000;
  expect(bucket.book(0)).toBe(longestWaitMs);
  limits.now = 10_000;
  expect(bucket.book(0)).toBeCloseTo(100);
  nowMs += 100;
  expect(bucket.book(0)).toBe(0);
});
