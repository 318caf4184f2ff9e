import { expect, test } from 'vitest';
import type { RateLimits } from './rate.ts';
import { changedLimits, diskNow, ratesAt, transferNow } from './rate.ts';

const office = {
  weekdays: ['mon', 'tue', 'wed', 'thu', 'fri'],
  fromHour: 8,
  toHour: 18,
  zone: 'Asia/Shanghai',
  bytesPerSecond: 10,
} as const;
const limits: RateLimits = { transferBytesPerSecond: 50, transferWindows: [office], diskBytesPerSecond: 0 };

test('K-085 K-086 the rates of a moment are those of its window, and 0 is no limit', () => {
  expect(ratesAt(limits, Date.parse('2026-11-23T09:00+08:00'))).toEqual({ transferBytesPerSecond: 10 });
  expect(ratesAt(limits, Date.parse('2026-11-22T09:00+08:00'))).toEqual({ transferBytesPerSecond: 50 });
  expect(ratesAt({}, 0)).toEqual({});
});

test('K-085 K-086 a change of one limit leaves the other as it was and drops the windows of its own', () => {
  expect(changedLimits(limits, { diskBytesPerSecond: 7 })).toEqual({ ...limits, diskBytesPerSecond: 7 });
  expect(changedLimits(limits, { transferBytesPerSecond: 0 })).toEqual({
    transferBytesPerSecond: 0,
    diskBytesPerSecond: 0,
  });
  expect(changedLimits(limits, {})).toEqual(limits);
});

test('a paused step may move nothing, limited or not', () => {
  expect([transferNow({ isPaused: true, transferBytesPerSecond: 5 }), diskNow({ isPaused: true })]).toEqual([0, 0]);
  expect([transferNow({ transferBytesPerSecond: 5 }), diskNow({})]).toEqual([5, undefined]);
});
