import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchOf, fullOf, histories, incrementalOn, minute, resourceId } from '#tests/support/history-model.ts';
import type { SetId } from '../id.ts';
import { formatId } from '../id.ts';
import { compareLsn } from '../wal/lsn.ts';
import { byId, chainOf } from './chain.ts';
import { chooseBase } from './choose-base.ts';

const branch = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
const left = { timeline: 2, branchId: 'two', history: '1\t0/5001388\tfork\n', from: 5, to: 9 };
const full = fullOf(branch, 2, 1);
const first = incrementalOn(full, fullOf(branch, 3, 2));
const second = incrementalOn(first, fullOf(branch, 4, 3));
const batches = [batchOf(branch, [2, 3, 4, 5, 6, 7])];
const none = new Map<SetId, string>();
const wish = {
  resourceId,
  wanted: 'differential',
  log: { sets: [full, first, second], batches },
  unusable: none,
} as const;

test('D-024 a differential builds on the newest set, full or incremental', () => {
  expect(chooseBase(wish)).toEqual({ base: second });
});

test('D-025 a cumulative builds on the newest full', () => {
  const later = fullOf(branch, 6, 9);
  expect(chooseBase({ ...wish, wanted: 'cumulative' })).toEqual({ base: full });
  const sets = [full, first, second, later];
  expect(chooseBase({ ...wish, wanted: 'cumulative', log: { sets, batches } })).toEqual({ base: later });
});

test('K-048 without a full of this resource in the pool the run becomes a full and says so', () => {
  expect(chooseBase({ ...wish, log: { sets: [], batches } })).toEqual({
    reason: 'the pool holds no full set of it yet',
  });
  const other = formatId('res', 7, new Uint8Array(10));
  expect(chooseBase({ ...wish, resourceId: other })).toMatchObject({ reason: expect.any(String) as string });
});

test('a set that is damaged, or that builds on one that is, is no base', () => {
  expect(chooseBase({ ...wish, unusable: new Map([[first.setId, 'it is damaged']]) })).toEqual({ base: full });
  expect(chooseBase({ ...wish, unusable: new Map([[full.setId, 'it is quarantined']]) })).toEqual({
    reason: `${second.setId} is no base: it builds on ${full.setId}: it is quarantined`,
  });
});

test('K-048 a set of a time that was given up is no base, though it ends behind the one that was made since', () => {
  const abandoned = fullOf(branch, 6, 4);
  const later = { beganAt: minute(20), endedAt: minute(21), endSegmentSha256: '0'.repeat(64) };
  const present = { ...fullOf(branch, 5, 5), ...later };
  expect(chooseBase({ ...wish, log: { sets: [full, abandoned, present], batches } })).toEqual({ base: present });
  const damaged = new Map([[present.setId, 'it is damaged']]);
  expect(chooseBase({ ...wish, log: { sets: [abandoned, present], batches }, unusable: damaged })).toEqual({
    reason: `${abandoned.setId} is of a time that was given up: ${present.setId}, made later, ends at LSN ${present.endLsn} before it, so an earlier state of the instance was put back in between`,
  });
});

test('a set behind the point where the current branch left its timeline is no base', () => {
  const log = { sets: [full, fullOf(branch, 6, 5)], batches: [...batches, batchOf(left, [5, 6])] };
  expect(chooseBase({ ...wish, log })).toEqual({ base: full });
  const alone = { sets: [fullOf(branch, 6, 5)], batches: log.batches };
  expect(chooseBase({ ...wish, log: alone })).toMatchObject({
    reason: expect.stringContaining('does not lead to timeline 2, which is written now') as string,
  });
});

test('D-024 D-025 over random histories a base has a whole sound chain, and none is newer on its branch', () => {
  fc.assert(
    fc.property(histories, fc.constantFrom('differential' as const, 'cumulative' as const), (history, wanted) => {
      const { sets, batches: log, unusable } = history;
      const choice = chooseBase({ resourceId, wanted, log: { sets, batches: log }, unusable });
      if (choice.base === undefined) return;
      const { base } = choice;
      const chain = chainOf(base, byId(sets));
      expect(chain.isComplete && chain.sets.every(({ setId }) => !unusable.has(setId))).toBe(true);
      if (wanted === 'cumulative') expect(base.type).toBe('full');
      const newer = sets.filter(
        (set) =>
          set.branchId === base.branchId &&
          compareLsn(set.endLsn, base.endLsn) > 0 &&
          set.type === 'full' &&
          !unusable.has(set.setId),
      );
      const current = Math.max(
        ...sets.map(({ timeline }) => timeline),
        ...history.batches.map(({ timeline }) => timeline),
      );
      if (base.timeline === current) expect(newer).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
