import { expect, test } from 'vitest';
import { HoldfastError } from '../errors/holdfast-error.ts';
import type { SegmentOfBatch } from '../log/batch-summary.ts';
import type { CommittedLog } from '../log/coverage.ts';
import type { RestoreTarget } from './target.ts';
import { at, batchOf, fullOf, minute, resourceId, segmentBytes, segmentOf } from '#tests/support/history-model.ts';
import { planRestore } from './plan/plan-restore.ts';
import { withSharedBranches } from './shared-branches.ts';

const one = { timeline: 1, branchId: 'one', history: '', from: 1, to: 8 };
const forkOffset = 5000;
const two = { timeline: 2, branchId: 'two', history: `1\t${at(4, forkOffset)}\tfork\n`, from: 4, to: 9, parent: one };
const owner = resourceId;

/** The old primary went on writing timeline 1 after it was left at the begin of segment 4, and a set of it is the newest. */
const abandoned: CommittedLog = { owner, sets: [fullOf(one, 3, 2)], batches: [batchOf(one, [3, 4, 5, 6, 7, 8])] };
const current: CommittedLog = {
  owner,
  sets: [fullOf(one, 2, 1)],
  batches: [batchOf(one, [2, 3]), batchOf(two, [4, 5, 6, 7, 8, 9])],
};

function ask(log: CommittedLog, target: RestoreTarget, timeline?: number): unknown {
  try {
    const plan = planRestore({
      ...{ log, target, timeline, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
      place: { kind: 'copy', directory: '/srv/copy' },
    });
    return { timeline: plan.timeline, setId: plan.setId, histories: Object.keys(plan.histories) };
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code };
    throw error;
  }
}

const time = (n: number): RestoreTarget => ({ at: 'time', time: minute(n), isInclusive: true });
const lsn = (n: number, offset = 0): RestoreTarget => ({ at: 'lsn', lsn: at(n, offset), isInclusive: true });
const shared = (log: CommittedLog): CommittedLog => withSharedBranches(log, [abandoned, current]);

test('K-095 a pool that knows only an abandoned branch leads to no point behind the fork that another pool knows of', () => {
  for (const target of [time(7), lsn(7)]) {
    expect(ask(abandoned, target)).toMatchObject({ timeline: 1 });
    expect(ask(shared(abandoned), target)).toEqual({ code: 'point_after_latest' });
    expect(ask(shared(current), target)).toMatchObject({ timeline: 2 });
    expect(ask(shared(abandoned), target, 1)).toMatchObject({ timeline: 1 });
  }
});

test('K-095 a point before the fork is reached from both pools, and the server is told of the branch that follows', () => {
  expect(ask(shared(abandoned), lsn(3, 5000))).toMatchObject({ timeline: 1, histories: ['00000002.history'] });
  expect(ask(shared(current), lsn(3, 5000))).toMatchObject({ timeline: 1, histories: ['00000002.history'] });
});

test('the segment of a fork serves up to the fork where the pool has it of the branch that was left alone', () => {
  const mark = (offset: number, n: number) => ({ lsn: at(4, offset), at: minute(n) });
  const marks = [mark(1000, 4), mark(3000, 4.2), mark(4000, 4.3), mark(segmentBytes / 2, 4.6)];
  const forked: SegmentOfBatch = { ...segmentOf(one, 4), marks, maxCommit: minute(4.6) };
  const batches = abandoned.batches.map((batch) => ({
    ...batch,
    segments: batch.segments.map((each) => (each.name === forked.name ? forked : each)),
  }));
  const pool = withSharedBranches({ ...abandoned, batches }, [current]);
  expect(ask(pool, time(4.1))).toMatchObject({ timeline: 1 });
  expect(ask(pool, lsn(4, 3000))).toMatchObject({ timeline: 1 });
  // Of these nobody knows whether they lie before the fork.
  expect(ask(pool, time(4.4))).toEqual({ code: 'point_after_latest' });
  expect(ask(pool, lsn(4, 4500))).toEqual({ code: 'point_after_latest' });
});

test('what other pools know of a branch tells nothing of how far its log leads', () => {
  const idle = { ...batchOf(one, [3]), segments: [], from: at(9), to: at(9), coveredUntil: minute(60) };
  const other: CommittedLog = { sets: [], batches: [idle] };
  const target = time(30);
  expect(ask(withSharedBranches(abandoned, [abandoned, other]), target)).toEqual({ code: 'point_after_latest' });
  expect(ask(withSharedBranches(abandoned, [abandoned]), lsn(7))).toEqual(ask(abandoned, lsn(7)));
});
