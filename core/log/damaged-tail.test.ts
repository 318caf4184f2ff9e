import { describe, expect, test } from 'vitest';
import { withoutDamage } from '../care/verification.ts';
import { instantFromMicros } from '../instant.ts';
import type { Instant } from '../instant.ts';
import type { BatchSummary, SegmentOfBatch } from './batch-summary.ts';
import { coverage, locate } from './coverage.ts';
import type { Branch } from '#tests/support/history-model.ts';
import { at, batchOf, fullOf, minute, segmentBytes, segmentOf } from '#tests/support/history-model.ts';

const branch: Branch = { timeline: 1, branchId: 'branch 1', history: '', from: 1, to: 9 };
const set = fullOf(branch, 1, 1);
const damage = (batch: BatchSummary, numbers: readonly number[]): BatchSummary =>
  withoutDamage(
    batch,
    new Set(numbers.map((n) => `logs/${batch.systemId}/${branch.branchId}/${segmentOf(branch, n).object}`)),
  );
const withoutCommit = ({ name, object, from, to, lastRecord }: SegmentOfBatch): SegmentOfBatch => ({
  ...{ name, object, from, to, lastRecord, rawSha256: '', storedSha256: '', rawBytes: 1, storedBytes: 1 },
  restorePoints: [],
});
/** Segments of which the named ones hold no commit. */
const quiet = (batch: BatchSummary, numbers: readonly number[]): BatchSummary => {
  const names = new Set(numbers.map((n) => segmentOf(branch, n).name));
  return { ...batch, segments: batch.segments.map((each) => (names.has(each.name) ? withoutCommit(each) : each)) };
};
const time = (of: Instant) => ({ at: 'time', time: of, isInclusive: true }) as const;
const coveredUntil = (...batches: readonly BatchSummary[]) => coverage({ sets: [set], batches }).coveredUntil;

describe('a batch of which the last segments were found damaged', () => {
  const batch = batchOf(branch, [1, 2, 3, 4]);
  const log = { sets: [set], batches: [damage(batch, [3, 4])] };

  test('K-096 a time whose commits lie in damaged log is refused, and the last sound commit is the end', () => {
    expect(locate({ ...log, batches: [batch] }, time(minute(4)))).toMatchObject({ isReachable: true });
    expect(locate(log, time(minute(4)))).toMatchObject({ isReachable: false, reason: 'after-latest' });
    expect(locate(log, time(minute(2.5)))).toMatchObject({ isReachable: false });
    expect(locate(log, time(minute(2)))).toMatchObject({ isReachable: true, mustReach: at(2, segmentBytes - 64) });
    expect(coverage(log).coveredUntil).toBe(minute(2));
  });

  test('K-049 log behind the damage and an idle database behind it do not bring the lost time back', () => {
    const idle = { ...batchOf(branch, []), from: at(5), to: at(5), coveredUntil: minute(99) };
    expect(coveredUntil(...log.batches, batchOf(branch, [5, 6]))).toBe(minute(2));
    expect(coveredUntil(...log.batches, idle)).toBe(minute(2));
    expect(coveredUntil(damage(batch, [3]))).toBe(minute(2));
    expect(coveredUntil(damage(batch, [1, 2, 3, 4]), idle)).toBe(set.endedAt);
  });
});

describe('sound segments without a commit before damaged ones', () => {
  test('are covered as far as the log right before them is, in their batch or the one before', () => {
    expect(coveredUntil(damage(quiet(batchOf(branch, [1, 2, 3, 4]), [3]), [4]))).toBe(minute(2));
    const before = batchOf(branch, [1, 2]);
    expect(coveredUntil(before, damage(quiet(batchOf(branch, [3, 4, 5]), [3, 4]), [5]))).toBe(before.coveredUntil);
  });

  test('are covered no further than the set when nothing leads to them', () => {
    const cut = damage(quiet(batchOf(branch, [1, 2, 3]), [1, 2]), [3]);
    expect(coveredUntil(cut)).toBe(set.endedAt);
    expect(locate({ sets: [set], batches: [cut] }, time(minute(3)))).toMatchObject({ isReachable: false });
    expect(locate({ sets: [set], batches: [cut] }, { at: 'latest' })).toMatchObject({
      mustReach: at(2, segmentBytes - 64),
    });
    expect(coverage({ sets: [], batches: [cut] }).branches[0]?.stretches[0]?.coveredUntil).toBe(instantFromMicros(0));
  });
});
