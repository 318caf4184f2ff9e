import { expect, test } from 'vitest';
import { deletable, deletableNotes } from './deletable.ts';
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

test('K-080 a note of a backup goes when all that is left of its timeline is younger, and stays where nothing tells', () => {
  const left = [name(5), name(6), name(9, 3)];
  const note = (segment: string): string => `${segment}.00000028.backup`;
  const notes = [name(4), name(5), name(7), name(1, 2), name(8, 3)].map(note);
  expect(deletableNotes(notes, left)).toEqual([note(name(4)), note(name(8, 3))]);
  expect(deletableNotes(notes, [])).toEqual([]);
});
