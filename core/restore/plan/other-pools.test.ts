import { expect, test } from 'vitest';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { at, batchOf, fullOf } from '#tests/support/history-model.ts';
import type { HeldByPool } from './other-pools.ts';
import { togetherInPools, togetherText } from './other-pools.ts';

const one = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
const set = fullOf(one, 2, 1);
const whole = batchOf(one, [2, 3, 4, 5]);
const part = (...numbers: number[]): BatchSummary => batchOf(one, numbers);

const holds = (pool: string, hasSet: boolean, ...batches: BatchSummary[]): HeldByPool => ({
  ...{ pool, log: { sets: hasSet ? [set] : [], batches } },
  unusable: new Map(),
});
const ask = (...pools: HeldByPool[]) =>
  togetherInPools(
    {
      ...{ target: { at: 'lsn', lsn: at(4, 5000), isInclusive: true }, resourceName: 'orders', tablespaceMap: {} },
      ...{ isOpenedAfter: true, place: { kind: 'copy', directory: '/srv/copy' } },
    },
    pools,
  );

test('K-096 what several pools lead to together names the pools of the set and those that have all of its log', () => {
  const setId = set.setId;
  expect(ask(holds('a', true, part(2, 3)), holds('b', false, whole))).toEqual({ setId, ofSet: ['a'], ofLog: ['b'] });
  expect(ask(holds('a', true, part(2, 3)), holds('b', true, whole))).toMatchObject({ ofSet: ['b'], ofLog: ['b'] });
  expect(ask(holds('a', true, part(2, 3)), holds('b', false, part(4)))).toMatchObject({ ofSet: ['a'], ofLog: [] });
  expect(ask(holds('a', true, part(2, 3)), holds('b', false, part(5)))).toBeUndefined();
});

test('K-096 a set that is damaged in the one pool counts where it is good', () => {
  const damaged = { ...holds('a', true, whole), unusable: new Map([[set.setId, 'it is damaged']]) };
  expect(ask(damaged)).toBeUndefined();
  expect(ask(damaged, holds('b', true))).toMatchObject({ ofSet: ['b'], ofLog: ['a'] });
});

test('in words: where it is, and how to get it into one pool', () => {
  const known = { setId: set.setId, ofSet: ['a'], ofLog: ['b'] };
  expect(togetherText(known).remedy).toContain(`--from a --to b --set ${set.setId}`);
  expect(togetherText({ ...known, ofLog: ['b', 'a'] }).where).toBe('pool a does');
  expect(togetherText({ ...known, ofLog: [] }).where).toContain('the log of several pools');
});
