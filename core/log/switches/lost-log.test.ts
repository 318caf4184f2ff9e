import { expect, test } from 'vitest';
import { lostBeforeLeft, lostWarning } from './lost-log.ts';

const segmentBytes = 100;

test('what is missing of a timeline ends where the segment begins that the next one holds a copy of', () => {
  expect(lostBeforeLeft(300, 640, segmentBytes)).toEqual({ from: 300, to: 600 });
  expect(lostBeforeLeft(355, 640, segmentBytes)).toEqual({ from: 355, to: 600 });
  expect(lostBeforeLeft(600, 640, segmentBytes)).toBeUndefined();
  expect(lostBeforeLeft(630, 640, segmentBytes)).toBeUndefined();
  expect(lostBeforeLeft(600, 600, segmentBytes)).toBeUndefined();
});

test('a lost range is named by its timeline and both ends', () => {
  expect(lostWarning({ timeline: 2, from: 0x1_0000_0028, to: 0x1_0100_0000 })).toEqual({
    code: 'log_gap',
    detail:
      'log of timeline 2 from 1/28 to 1/1000000 is missing: points behind 1/28 cannot be reached until a new full backup',
  });
});
