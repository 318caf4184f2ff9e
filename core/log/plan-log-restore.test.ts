import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatId } from '../id.ts';
import { instantFromMs } from '../instant.ts';
import { formatLsn } from '../wal/lsn.ts';
import { formatSegmentName } from '../wal/segment-name.ts';
import type { BatchSummary } from './batch-summary.ts';
import type { LogBound } from './log-restore-plan.ts';
import { parseBound } from './parse-bound.ts';
import { planLogRestore } from './plan-log-restore.ts';
import { recoverySnippet } from './recovery-snippet.ts';

const bytes = 16 << 20;
const minute = (n: number) => instantFromMs(1_700_000_000_000 + n * 60_000);
const at = (segment: number) => formatLsn(segment * bytes);
const time = (n: number): LogBound => ({ at: 'time', time: minute(n) });
const fork = 5;
const history = `1\t${at(fork)}\tno reason\n`;
const owner = formatId('res', 1, new Uint8Array(10));
const resource = { id: owner, name: 'main', engine: 'postgresql' };

/** Segment n of a branch holds commits of the minutes n to n + 0.9; undefined: none. */
const batchOf = (numbers: readonly number[], timeline = 1, idle: readonly number[] = []): BatchSummary => ({
  ...{ batchId: formatId('batch', numbers[0] ?? 0, new Uint8Array(10)), runId: formatId('run', 1, new Uint8Array(10)) },
  ...{ resourceId: owner, systemId: '7', timeline, branchId: `b${String(timeline)}` },
  history: timeline === 1 ? '' : history,
  ...{ segmentBytes: bytes, from: at(numbers[0] ?? 0), to: at((numbers[numbers.length - 1] ?? 0) + 1) },
  ...{ coveredUntil: minute((numbers[numbers.length - 1] ?? 0) + 1), previousSha256: '', isAfterGap: false },
  segments: numbers.map((n) => ({
    ...{ name: formatSegmentName({ timeline, number: n }, bytes), object: `s${String(n)}`, from: at(n), to: at(n + 1) },
    ...{ rawSha256: '', storedSha256: '', rawBytes: bytes, storedBytes: 10, restorePoints: [], lastRecord: at(n) },
    ...(idle.includes(n) ? {} : { firstCommit: minute(n), lastCommit: minute(n + 0.9), maxCommit: minute(n + 0.9) }),
  })),
});

type Range = { from?: LogBound; to?: LogBound; timeline?: number };
const planned = (batches: readonly BatchSummary[], range: Range) =>
  planLogRestore({ log: { sets: [], batches, owner }, resource, ...range });
const numbersOf = (plan: ReturnType<typeof planned>) =>
  plan.segments.map(
    ({ timeline, from }) => `${String(timeline)}:${String(parseInt(from.split('/')[1] ?? '', 16) / bytes)}`,
  );

describe('K-103 the range of a log restore', () => {
  const whole = batchOf([1, 2, 3, 4, 5, 6, 7, 8]);

  test('takes every segment that may hold log of the range, and one at each end at most', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 8.9, noNaN: true }),
        fc.double({ min: 0, max: 7, noNaN: true }),
        (a, width) => {
          const b = Math.min(a + width, 8.9);
          const found = planned([whole], { from: time(a), to: time(b) }).segments.map(({ from }) => from);
          const needed = [1, 2, 3, 4, 5, 6, 7, 8].filter((n) => n + 0.9 >= a && n <= b).map(at);
          expect(found).toEqual(expect.arrayContaining(needed));
          expect(found.length).toBeLessThanOrEqual(needed.length + 2);
        },
      ),
    );
  });

  test('takes idle segments around the range, whose log has no time', () => {
    const plan = planned([batchOf([1, 2, 3, 4, 5, 6], 1, [2, 3, 5])], { from: time(3.95), to: time(4.2) });
    expect(numbersOf(plan)).toEqual(['1:1', '1:2', '1:3', '1:4', '1:5', '1:6']);
  });

  test('follows positions exactly, and each branch by its own files behind the fork', () => {
    const batches = [whole, batchOf([5, 6, 7], 2)];
    const plan = planned(batches, {
      from: { at: 'lsn', lsn: formatLsn(3 * bytes + 7) },
      to: { at: 'lsn', lsn: at(6) },
    });
    expect(numbersOf(plan)).toEqual(['1:3', '1:4', '2:5', '2:6']);
    expect(Object.keys(plan.histories)).toEqual(['00000002.history']);
    expect(plan).toMatchObject({ timeline: 2, gaps: [], rawBytes: 4 * bytes, fetchBytes: 40 });
    expect(numbersOf(planned(batches, { from: { at: 'lsn', lsn: at(4) }, timeline: 1 }))).toEqual([
      '1:4',
      '1:5',
      '1:6',
      '1:7',
      '1:8',
    ]);
  });

  test('names what is missing in it, before it and behind it', () => {
    const plan = planned([batchOf([2, 3]), batchOf([6, 7])], { from: time(0), to: time(99) });
    expect(plan.gaps).toMatchObject([{ to: at(2) }, { from: at(4), to: at(6) }, { from: at(8) }]);
    expect(planned([batchOf([2, 3]), batchOf([6, 7])], { from: time(6.5) }).gaps).toEqual([]);
  });

  test('is refused when it has no begin, is reversed or lies behind all log', () => {
    const refused = (range: Range) => {
      try {
        return planned([whole], range);
      } catch (error) {
        return error;
      }
    };
    expect(refused({})).toMatchObject({ code: 'log_range_open' });
    expect(refused({ from: time(5), to: time(4) })).toMatchObject({ code: 'log_range_reversed' });
    expect(refused({ from: time(50) })).toMatchObject({ code: 'log_range_empty' });
    expect(refused({ from: { at: 'lsn', lsn: at(9) } })).toMatchObject({ code: 'log_range_empty' });
    expect(refused({ from: { at: 'lsn', lsn: at(0) }, to: { at: 'lsn', lsn: formatLsn(9) } })).toMatchObject({
      code: 'log_range_empty',
    });
    expect(refused({ from: time(5), timeline: 9 })).toMatchObject({ code: 'timeline_unknown' });
  });

  test('is typed as a time with its zone or as an LSN', () => {
    expect(parseBound('0/3000028')).toEqual({ at: 'lsn', lsn: '0/3000028' });
    expect(parseBound('2026-11-21 10:15:00+08')).toEqual({ at: 'time', time: '2026-11-21T02:15:00.000000Z' });
    expect(() => parseBound('2026-11-21 10:15:00')).toThrow(expect.objectContaining({ code: 'time_without_zone' }));
  });

  test('K-091 the recovery file survives quotes and percent signs in the directory', () => {
    const text = recoverySnippet(
      planned([whole], { from: time(3) }),
      { directory: "/it's 50%", missing: [{ what: 'a\nb' }] },
      'signal',
    );
    expect(text).toContain(`restore_command = 'cp ''/it''\\\\''''s 50%%/%f'' "%p"'\n`);
    expect(text).toContain("recovery_target_timeline = '1'\n");
    expect(text).toContain('# MISSING: a b\n');
  });
});
