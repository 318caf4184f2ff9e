import { expect, test } from 'vitest';
import { differingRuns } from './differing-pages.ts';

const page = 8192;

test('K-098 runs of pages that differ are found, joined where they touch, and nothing else', () => {
  const wanted = Buffer.alloc(5 * page + 100, 7);
  const found = Buffer.from(wanted);
  expect(differingRuns(found, wanted)).toEqual([]);
  found[page] = 1;
  found[3 * page - 1] = 1;
  found[5 * page + 99] = 1;
  expect(differingRuns(found, wanted)).toEqual([
    { from: page, length: 2 * page },
    { from: 5 * page, length: 100 },
  ]);
});

test('where nothing is, everything differs', () => {
  expect(differingRuns(undefined, Buffer.alloc(10))).toEqual([{ from: 0, length: 10 }]);
  expect(differingRuns(undefined, Buffer.alloc(0))).toEqual([]);
});
