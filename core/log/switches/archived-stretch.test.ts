import { expect, test } from 'vitest';
import { formatSegmentName } from '../../wal/segment-name.ts';
import { archivedStretch } from './archived-stretch.ts';

const segmentBytes = 1 << 20;
const at = (number: number, timeline = 1) => formatSegmentName({ timeline, number }, segmentBytes);
const sought = (from: number, to: number, archived = [at(9), at(5), at(6), at(7, 2), at(2)]) =>
  archivedStretch(archived, { timeline: 1, from: from * segmentBytes, to: to * segmentBytes, segmentBytes });

test('what an archive has of missing log ends at its first hole, at another timeline and where the server has log', () => {
  expect(sought(5, 20)).toEqual({ names: [at(5), at(6)], next: 6 * segmentBytes });
  expect(sought(7, 20)).toEqual({ names: [], next: 9 * segmentBytes });
  expect(sought(5, 6)).toEqual({ names: [at(5)], next: undefined });
  expect(sought(9, 20)).toEqual({ names: [at(9)], next: undefined });
  expect(sought(10, 20)).toEqual({ names: [], next: undefined });
  expect(sought(5, 20, [])).toEqual({ names: [], next: undefined });
});
