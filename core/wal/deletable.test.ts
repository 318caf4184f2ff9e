import { expect, test } from 'vitest';
import { deletable } from './deletable.ts';
import { formatSegmentName } from './segment-name.ts';

const name = (number: number, timeline = 1) => formatSegmentName({ timeline, number }, 16 << 20);
const needed = (number: number, timeline = 1) => ({ timeline, segment: name(number, timeline) });

test('K-080 all but the newest may go when no backup runs', () => {
  expect(deletable([name(2), name(4, 2), name(3)], [])).toEqual([name(2), name(3)]);
});

test('K-080 while a backup runs nothing from its bound on goes, on each timeline by its own bound', () => {
  const segments = [name(2), name(5), name(3, 2), name(4, 2), name(9, 2)];
  expect(deletable(segments, [needed(5), needed(4, 2)])).toEqual([name(2), name(3, 2)]);
  expect(deletable(segments, [needed(5), needed(3), needed(3, 2)])).toEqual([name(2)]);
});

test('K-080 while a backup runs nothing of a timeline without a bound goes, however early its log lies', () => {
  expect(deletable([name(2), name(3, 2), name(4, 2)], [needed(7)])).toEqual([name(2)]);
});
