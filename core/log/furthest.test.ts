import { expect, test } from 'vitest';
import { formatId } from '../id.ts';
import { instantFromMs } from '../instant.ts';
import { parseLsn } from '../wal/lsn.ts';
import { furthestOf, furthestText } from './furthest.ts';
import type { RecoveryWindow } from './timeline.ts';

const setId = (n: number): RecoveryWindow['setId'] => formatId('set', n, new Uint8Array(10));
const point = (lsn: string, minute: number): RecoveryWindow['to'] => ({
  lsn: parseLsn(lsn),
  at: instantFromMs(1_700_000_000_000 + minute * 60_000),
});
const window = (n: number, timeline: number, to: RecoveryWindow['to']): RecoveryWindow => ({
  ...{ setId: setId(n), branchId: `branch-${String(timeline)}`, timeline, from: point('0/1000000', 0), to },
});

test('K-096 for each branch the furthest point is told with the set that reaches it, the current branch first in words', () => {
  const furthest = furthestOf([
    window(1, 1, point('0/3000000', 3)),
    window(2, 1, point('0/9000000', 9)),
    window(3, 1, point('0/5000000', 5)),
    window(4, 2, point('0/7000000', 12)),
    window(5, 2, point('0/7000000', 13)),
  ]);
  expect(furthest).toEqual([
    { branchId: 'branch-1', timeline: 1, setId: setId(2), to: point('0/9000000', 9) },
    { branchId: 'branch-2', timeline: 2, setId: setId(5), to: point('0/7000000', 13) },
  ]);
  expect(furthestText({ furthest, currentBranchId: 'branch-2' })).toBe(
    'timeline 2: 2023-11-14T22:26:20.000000Z (LSN 0/7000000); timeline 1: 2023-11-14T22:22:20.000000Z (LSN 0/9000000)',
  );
});

test('without a set nothing is reached', () => {
  expect([furthestOf([]), furthestText({ furthest: [] })]).toEqual([[], 'none']);
});
