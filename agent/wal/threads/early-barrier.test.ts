import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { EarlyBarrier } from './early-barrier.ts';

const lost = fail('pool_unreachable', { pool: 'p', why: 'EIO' });

test('objects are brought to the disk in the middle of many, one barrier at a time', async () => {
  const ends: (() => void)[] = [];
  const early = new EarlyBarrier({ barrier: () => new Promise((resolve) => ends.push(resolve)) });
  for (let i = 0; i < 30; i++) early.put();
  expect(ends).toHaveLength(1);
  const settled = early.settle();
  ends[0]?.();
  await settled;
  early.put();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await early.settle();
});

test('nothing is committed after a barrier failed, however many succeed after it', async () => {
  let calls = 0;
  const early = new EarlyBarrier({ barrier: () => (calls++ === 0 ? Promise.reject(lost) : Promise.resolve()) });
  for (let i = 0; i < 8; i++) early.put();
  await expect(early.settle()).rejects.toBe(lost);
  for (let i = 0; i < 8; i++) early.put();
  await expect(early.settle()).rejects.toBe(lost);
  expect(calls).toBe(2);
});
