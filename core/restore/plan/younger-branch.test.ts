import { expect, test } from 'vitest';
import { formatId } from '#core/id.ts';
import type { CommittedLog } from '#core/log/coverage.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { at, batchOf, fullOf, minute, resourceId } from '#tests/support/history-model.ts';
import { planRestore } from './plan-restore.ts';
import type { RestorePlan } from './plan.ts';

const one = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
const two = { timeline: 2, branchId: 'two', history: `1\t${at(4, 5000)}\tfork\n`, from: 4, to: 9, parent: one };
const set = fullOf(one, 2, 1);
/** Production goes on while a standby was promoted for a minute and wrote into the same archive. */
const kept = batchOf(one, [2, 3, 4, 5, 6, 7, 8, 9]);
const rogue = batchOf(two, [4, 5]);
const both: CommittedLog = { sets: [set], batches: [kept, rogue], owner: resourceId };

const plan = (log: CommittedLog, more: Partial<RestoreRequest> = {}): RestorePlan =>
  planRestore({
    ...{ log, target: { at: 'latest' }, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
    place: { kind: 'copy', directory: '/srv/copy' },
    ...more,
  });
const time = (n: number) => ({ target: { at: 'time', time: minute(n), isInclusive: true } as const });

const younger = {
  ...{ followed: 2, followedUntil: minute(5.5), split: at(4, 5000) },
  ...{ timeline: 1, until: minute(9.5) },
};

test('K-095 a plan to the latest point on a timeline that began by mistake names the one that was written longer', () => {
  const made = plan(both);
  expect(made).toMatchObject({ timeline: 2, leavesYounger: younger });
  expect(made.steps[0]).toBe(
    `LEAVES YOUNGER LOG: timeline 2 is followed because its number is the highest, and it is known up to ${minute(5.5)} only; timeline 1 was written longer, up to ${minute(9.5)}, and the two part at LSN ${at(4, 5000)}. If timeline 2 began by mistake, plan with --timeline 1`,
  );
});

test('K-095 so does a plan to a time behind the split, and one whose other timeline is known in another pool only', () => {
  expect(plan(both, time(5.2)).leavesYounger).toEqual(younger);
  const here = { ...both, batches: [batchOf(one, [2, 3, 4]), rogue] };
  expect(plan(here, { elsewhere: [kept], timeline: 2, isTimelineFound: true }).leavesYounger).toEqual(younger);
});

test('K-095 a timeline that only another pool knows is told with what brings its log to a set', () => {
  const here = { sets: [set], batches: [batchOf(one, [2, 3, 4])], owner: resourceId };
  const elsewhere = [batchOf(two, [4, 5, 6, 7])];
  const made = plan(here, { elsewhere });
  const later = { followed: 1, split: at(4, 5000), timeline: 2, until: minute(7.5) };
  expect(made).toMatchObject({ timeline: 1, leavesYounger: later });
  expect(made.steps[0]).toMatch(/knows no later one.* timeline 2 of another pool was written longer.*pool copy/);
  expect(plan(here, { elsewhere, ...time(2.5) }).leavesYounger).toBeUndefined();
});

test('K-095 of several timelines that were written longer, one that parts behind the stop does not hide the one that parts before it', () => {
  const history = `${two.history}2\t${at(7, 5000)}\tfork\n`;
  const three = { timeline: 3, branchId: 'three', history, from: 7, to: 12, parent: two };
  const longest = batchOf(two, [4, 5, 6, 7, 8, 9, 10]);
  const log = { ...both, batches: [kept, longest, batchOf(three, [7, 8])] };
  const first = { followed: 3, split: at(4, 5000), timeline: 1, until: minute(9.5) };
  expect(plan(log, time(5.6)).leavesYounger).toMatchObject(first);
  expect(plan(log, time(7.6)).leavesYounger).toMatchObject({ split: at(7, 5000), timeline: 2 });
  expect(plan(log, time(2.5)).leavesYounger).toBeUndefined();
});

test('a timeline that was named, a point before the split and the end of a set are not doubted', () => {
  for (const more of [{ timeline: 2 }, { timeline: 1 }, time(2.5), { target: { at: 'immediate' } as const }])
    expect(plan(both, more).leavesYounger).toBeUndefined();
});

test('a failover leaves nothing younger, nor does an old server without a record of its own, nor a branch of another instance', () => {
  const after = { ...both, batches: [batchOf(one, [2, 3, 4, 5]), batchOf(two, [4, 5, 6, 7])] };
  const alive = { ...batchOf(one, [2, 3]), coveredUntil: minute(9) };
  const idle = { ...both, batches: [alive, rogue] };
  const other = { ...kept, resourceId: formatId('res', 2, new Uint8Array(10)) };
  const foreign = { ...both, sets: [fullOf(two, 5, 2)], batches: [rogue, other] };
  for (const log of [after, idle, foreign]) expect(plan(log).leavesYounger).toBeUndefined();
});
