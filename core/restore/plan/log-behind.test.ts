import { expect, test } from 'vitest';
import { withoutDamage } from '#core/care/verification.ts';
import type { CommittedLog } from '#core/log/coverage.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { at, batchOf, fullOf, minute, segmentBytes, segmentOf, systemId } from '#tests/support/history-model.ts';
import type { RestorePlan } from './plan.ts';
import { planRestore } from './plan-restore.ts';

const one = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
const two = { timeline: 2, branchId: 'two', history: `1\t${at(4, 5000)}\tfork\n`, from: 4, to: 9, parent: one };
const set = fullOf(one, 2, 1);

const plan = (log: CommittedLog, more: Partial<RestoreRequest> = {}): RestorePlan =>
  planRestore({
    ...{ log, target: { at: 'latest' }, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
    place: { kind: 'copy', directory: '/srv/copy' },
    ...more,
  });

const whole = batchOf(one, [2, 3, 4, 5, 6]);
const damaged = (...numbers: readonly number[]) =>
  withoutDamage(whole, new Set(numbers.map((n) => `logs/${systemId}/one/${segmentOf(one, n).object}`)));

test('K-095 a plan to the latest point tells of known log behind a hole, and of damaged log', () => {
  const behind = { end: at(4), lastCommit: minute(3), from: at(5), to: at(7), until: minute(6.5) };
  const gap = [batchOf(one, [2, 3]), batchOf(one, [5, 6])];
  for (const batches of [gap, [damaged(4)]]) expect(plan({ sets: [set], batches }).givesUp).toEqual(behind);
  expect(plan({ sets: [set], batches: [damaged(4, 5, 6)] }).givesUp).toEqual({ ...behind, from: at(7) });
  const [first] = plan({ sets: [set], batches: gap }).steps;
  expect(first).toBe(
    `GIVES UP KNOWN LOG: it ends at LSN ${at(4)}, last commit ${minute(3)}; log is known up to LSN ${at(7)} (${minute(6.5)}), but log from LSN ${at(4)} to ${at(5)} is missing or damaged`,
  );
});

test('K-095 a plan to the latest point tells of log that goes on in another pool only', () => {
  const log = { sets: [set], batches: [batchOf(one, [2, 3])] };
  const elsewhere = [batchOf(one, [4, 5])];
  expect(plan(log, { elsewhere })).toMatchObject({ mustReach: at(3, segmentBytes - 64), givesUp: { to: at(6) } });
  expect(plan(log, { elsewhere }).steps[0]).toContain('goes on only in another pool');
});

test('K-095 log that ends inside a segment of which another pool holds more is not called missing or damaged', () => {
  const tail = { ...segmentOf(one, 4), object: 'tail', to: at(4, 8000), lastRecord: at(4, 7000), marks: [] };
  const here = { ...batchOf(one, [2, 3, 4]), to: tail.to, segments: [segmentOf(one, 2), segmentOf(one, 3), tail] };
  const more = (...numbers: readonly number[]) =>
    plan({ sets: [set], batches: [here] }, { elsewhere: [batchOf(one, numbers)] });
  expect(more(2, 3, 4, 5).givesUp).toMatchObject({ end: at(4, 8000), from: at(4, 8000), to: at(6) });
  expect(more(4).steps[0]).toContain('which goes on only in another pool');
  expect(more(5).givesUp).toMatchObject({ end: at(4, 8000), from: at(5), to: at(6) });
  const noLog = plan({ sets: [set], batches: [] }, { elsewhere: [batchOf(one, [2, 3])] });
  expect(noLog.givesUp).toMatchObject({ end: set.endLsn, from: set.endLsn, to: at(4) });
});

test('a plan that reaches all that is known, leaves an abandoned branch or names its point tells of nothing given up', () => {
  const after = { sets: [set, fullOf(one, 5, 2)], batches: [batchOf(one, [2, 3]), batchOf(one, [5, 6])] };
  const left = { sets: [set], batches: [whole, batchOf(two, [4, 5])] };
  for (const log of [{ sets: [set], batches: [whole] }, { sets: [set], batches: [] }, after, left])
    expect(plan(log).givesUp).toBeUndefined();
  const target = { at: 'lsn', lsn: at(3), isInclusive: true } as const;
  expect(plan({ sets: [set], batches: [damaged(4)] }, { target }).givesUp).toBeUndefined();
});
