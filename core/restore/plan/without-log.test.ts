import { expect, test } from 'vitest';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { lackingLog } from '#core/log/lacking-log.ts';
import type { RestoreTarget } from '#core/restore/target.ts';
import { at, batchOf, endOffset, fullOf, incrementalOn } from '#tests/support/history-model.ts';
import { planRestore } from './plan-restore.ts';

const branch = { timeline: 1, branchId: 'one', history: '', from: 1, to: 12 };
const whole = fullOf(branch, 2, 1);
const bare: SetSummary = { ...fullOf(branch, 6, 2), isConsistent: false };
const upTo = (n: number): BatchSummary => batchOf(branch, [2, 3, 4, 5, 6, 7, 8].slice(0, n - 1));

interface World {
  readonly sets: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
}

function ask(log: World, target: RestoreTarget, setId?: SetSummary['setId']): unknown {
  try {
    const { setId: from, segments } = planRestore({
      ...{ log, target, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
      place: { kind: 'copy', directory: '/srv/copy' },
      ...(setId === undefined ? {} : { setId }),
    });
    return { from, segments: segments.length };
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code, ...error.params };
    throw error;
  }
}

const missing = { code: 'set_log_missing', setId: bare.setId, resource: 'orders' };
const immediate = { at: 'immediate' } as const;
const latest = { at: 'latest' } as const;

test('D-021 a set without its log is restored with the log from its begin on', () => {
  const log = { sets: [bare], batches: [upTo(8)] };
  expect(ask(log, immediate)).toEqual({ from: bare.setId, segments: 1 });
  expect(ask(log, latest)).toEqual({ from: bare.setId, segments: 3 });
  expect(lackingLog(log)).toEqual([]);
});

test('D-021 a set whose log is not in the pool is refused by name and alone, and says what is missing', () => {
  const log = { sets: [bare], batches: [upTo(5)] };
  const reason = `log from ${bare.beginLsn} (${bare.beginSegment}) to ${bare.endLsn} (${bare.endSegment}) is not there`;
  for (const target of [immediate, latest]) expect(ask(log, target)).toEqual({ ...missing, reason });
  expect(ask({ ...log, sets: [whole, bare] }, latest, bare.setId)).toMatchObject(missing);
  expect(ask({ sets: [bare], batches: [] }, latest)).toMatchObject(missing);
  const short = upTo(6);
  const segments = short.segments.map((one) => (one.from === at(6) ? { ...one, to: at(6, endOffset - 8) } : one));
  const tail = { ...short, to: at(6, endOffset - 8), segments };
  expect(ask({ sets: [bare], batches: [tail] }, latest)).toMatchObject({
    ...missing,
    reason: expect.stringContaining(`log from ${at(6, endOffset - 8)}`) as string,
  });
});

test('D-021 the newest backup state never goes back in silence; the latest point only when log behind the set is known', () => {
  const lagging = { sets: [whole, bare], batches: [upTo(5)] };
  expect(ask(lagging, latest)).toEqual({ from: whole.setId, segments: 4 });
  expect(ask(lagging, immediate)).toMatchObject(missing);
  expect(ask(lagging, { at: 'immediate', setId: whole.setId })).toMatchObject({ from: whole.setId });
  const holed = { sets: [whole, bare], batches: [upTo(5), batchOf(branch, [7, 8])] };
  expect(lackingLog(holed)).toMatchObject([{ set: { setId: bare.setId }, isHole: true }]);
  expect(ask(holed, latest)).toMatchObject(missing);
  expect(ask(holed, { at: 'lsn', lsn: at(5), isInclusive: true })).toEqual({ from: whole.setId, segments: 4 });
});

test('D-021 an incremental that holds its log needs none of a base that does not', () => {
  const base: SetSummary = { ...whole, isConsistent: false };
  const top = incrementalOn(base, fullOf(branch, 6, 2));
  expect(ask({ sets: [base, top], batches: [] }, immediate)).toEqual({ from: top.setId, segments: 0 });
});
