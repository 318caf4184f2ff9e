import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SetSummary } from '../backup/set-summary.ts';
import { explainGaps } from '../care/explain-gaps.ts';
import { formatId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { lsnToNumber } from '../wal/lsn.ts';
import type { PutBackStep } from '#tests/support/put-back-model.ts';
import { playPutBacks, segmentNumber, stepsOfPutBacks } from '#tests/support/put-back-model.ts';
import type { RestoreRequest } from '../restore/request.ts';
import { planRestore } from '../restore/plan/plan-restore.ts';
import { warningsOf } from '../restore/plan/warnings.ts';
import { planLogRestore } from './plan-log-restore.ts';
import { at, batchOf, fullOf, minute, segmentOf } from '#tests/support/history-model.ts';
import type { BatchSummary } from './batch-summary.ts';
import type { CommittedLog } from './branches.ts';
import { coverage, locate } from './coverage.ts';
import { instantFromMs } from '../instant.ts';
import { givenUpSets } from './given-up-sets.ts';

const latest = { at: 'latest' } as const;
const write = { kind: 'write' } as const;
const full = { kind: 'full' } as const;
const log = { kind: 'log' } as const;
const putBack = (by: number): PutBackStep => ({ kind: 'put-back', by });
const committed = ({ log: known }: { readonly log: CommittedLog }): CommittedLog => known;

describe('an instance that was put back to an earlier state without a timeline of its own', () => {
  test('K-095 no plan joins log of one time to a set or to log of another', () => {
    fc.assert(
      fc.property(stepsOfPutBacks, (steps) => {
        const world = playPutBacks(steps);
        const points = world.log.sets.map(({ setId }) => ({ at: 'immediate', setId }) as const);
        const lsns = world.log.batches.map(({ from }) => ({ at: 'lsn', lsn: from, isInclusive: true }) as const);
        for (const target of [latest, ...points, ...lsns]) {
          const found = locate(world.log, target);
          if (!found.isReachable) continue;
          const used = found.segments.map(({ segment }) => [segmentNumber(segment.from), segment.rawSha256] as const);
          expect(world.isOfOneTime(setOf(world.log, found.setId), used)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('K-095 the latest point is of the time that the instance is in since it was put back and backed up in full', () => {
    fc.assert(
      fc.property(stepsOfPutBacks, fc.boolean(), (steps, isLogTaken) => {
        const world = playPutBacks([...steps, full, ...(isLogTaken ? [log] : [])]);
        const found = locate(world.log, latest);
        if (!found.isReachable) return expect.fail('a full is there, so the latest point is');
        const { endLsn, endSegmentSha256 } = setOf(world.log, found.setId);
        expect(world.now(segmentNumber(endLsn))).toBe(endSegmentSha256);
        const newest = world.log.sets[world.log.sets.length - 1];
        expect(lsnToNumber(coverage(world.log).latest?.lsn ?? endLsn)).toBeGreaterThanOrEqual(
          lsnToNumber(newest?.endLsn ?? endLsn),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('K-049 a break is shown where log of the two times meets, and nothing behind it is promised', () => {
    const world = committed(playPutBacks([full, write, write, log, putBack(1), write, write, log]));
    const [branch] = coverage(world).branches;
    const [gap] = branch?.gaps ?? [];
    expect(branch?.stretches).toHaveLength(2);
    expect(gap?.from).toBe(gap?.to);
    const found = locate(world, latest);
    expect(found.isReachable && found.segments[found.segments.length - 1]?.segment.to).toBe(gap?.from);
  });

  test('K-049 a gap that was closed later is no break', () => {
    const world = committed(playPutBacks([full, write, { kind: 'lose' }, write, log, { kind: 'find' }, log]));
    expect(world.batches.some(({ isAfterGap }) => isAfterGap)).toBe(true);
    expect(coverage(world).branches[0]?.gaps).toEqual([]);
  });

  test('K-095 a point that only a set of the time that was given up leads to is still reached', () => {
    const world = committed(playPutBacks([write, write, full, write, log, putBack(3), full]));
    const [abandoned] = world.sets;
    expect([...givenUpSets(world).keys()]).toEqual([abandoned?.setId]);
    const lsn = world.batches[3]?.segments[0]?.lastRecord;
    if (lsn === undefined) return expect.fail('no log was taken');
    expect(locate(world, { at: 'lsn', lsn, isInclusive: true })).toMatchObject({ setId: abandoned?.setId });
    expect(locate(world, latest)).toMatchObject({ setId: world.sets[1]?.setId });
  });

  test('K-095 a plan to the latest point tells of the time that was given up, and of log that is of another time', () => {
    const planOf = (known: CommittedLog, more: Partial<RestoreRequest> = {}) =>
      planRestore({
        ...{ log: known, target: latest, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
        place: { kind: 'copy', directory: '/srv/copy' },
        ...more,
      });
    const world = committed(playPutBacks([write, full, write, full, log, putBack(3), full]));
    const [before, abandoned, now] = world.sets.map(({ setId }) => setId);
    const plan = planOf(world);
    expect(plan).toMatchObject({ setId: now, segments: [], givesUp: { isOfAnotherTime: true } });
    expect(plan.leavesGivenUp).toMatchObject({ setId: abandoned, later: { setId: now } });
    expect(plan.steps.slice(0, 2)).toEqual([
      expect.stringContaining('a full backup that ends behind it begins anew'),
      expect.stringContaining(`LEAVES OUT A TIME THAT WAS GIVEN UP: ${abandoned ?? ''}`),
    ]);
    const named = planOf(world, { setId: abandoned });
    expect(named).toMatchObject({ setId: abandoned });
    expect(named.leavesGivenUp).toBeUndefined();
    expect(before).toBeDefined();
    const broken = planOf(committed(playPutBacks([full, write, write, log, putBack(1), write, write, log])));
    expect(broken.givesUp).toMatchObject({ isOfAnotherTime: true });
    expect(broken.leavesGivenUp).toBeUndefined();
  });

  test('K-095 a set that ends on the border of a segment goes on with the next one, and not over it', () => {
    const { sets, batches } = committed(playPutBacks([write, full, write, write, log]));
    const [set] = sets as [SetSummary];
    const onBorder = { ...set, endLsn: batches[2]?.from ?? set.endLsn };
    const usedOf = (found: ReturnType<typeof locate>) =>
      found.isReachable ? found.segments.map(({ segment }) => segment.from) : expect.fail(found.reason);
    expect(usedOf(locate({ sets: [onBorder], batches }, latest))).toEqual(batches.slice(2).map(({ from }) => from));
    const holed = batches.filter(({ from }) => from !== onBorder.endLsn);
    expect(usedOf(locate({ sets: [onBorder], batches: holed }, latest))).toEqual([]);
  });

  test('K-091 log restored as files says where log of two times meets', () => {
    const world = committed(playPutBacks([full, write, write, log, putBack(1), write, write, log]));
    const [{ resourceId: id, engine, setId }] = world.sets as [SetSummary];
    const { gaps } = planLogRestore({ log: world, resource: { id, name: 'orders', engine }, setId });
    expect(gaps).toEqual([expect.objectContaining({ what: expect.stringContaining('of another time') as string })]);
  });

  test('K-095 one clock that went back, a standby that lags and sets of earlier versions give nothing up', () => {
    const world = committed(playPutBacks([write, write, full, putBack(3), full]));
    const [first, second] = world.sets;
    if (first === undefined || second === undefined) return expect.fail('two sets were made');
    const { endSegmentSha256, ...unsaid } = second;
    expect(endSegmentSha256).toBeDefined();
    expect(givenUpSets({ sets: [first, second] }).size).toBe(1);
    expect(givenUpSets({ sets: [first, unsaid] }).size).toBe(0);
    expect(givenUpSets({ sets: [first, { ...second, beganAt: first.beganAt }] }).size).toBe(0);
    expect(
      givenUpSets({
        sets: [
          { ...first, setId: second.setId },
          { ...second, setId: first.setId },
        ],
      }).size,
    ).toBe(0);
  });
});

test('K-095 a set that was made while a clock was ahead does not hide that a later one was given up', () => {
  const world = committed(playPutBacks([full, write, write, full, putBack(3), write, full]));
  const [first, abandoned, present] = world.sets;
  if (first === undefined || abandoned === undefined || present === undefined)
    return expect.fail('three sets were made');
  const ahead = { ...first, beganAt: instantFromMs(4_000_000_000_000), endedAt: instantFromMs(4_000_000_001_000) };
  for (const sets of [
    [first, abandoned, present],
    [ahead, abandoned, present],
  ])
    expect([...givenUpSets({ sets })].map(([setId, teller]) => [setId, teller.setId])).toEqual([
      [abandoned.setId, present.setId],
    ]);
});

function setOf({ sets }: CommittedLog, setId: string): SetSummary {
  const set = sets.find((one) => one.setId === setId);
  return set ?? expect.fail(`${setId} is not there`);
}

describe('what is of another time', () => {
  const one = { timeline: 1, branchId: 'one', history: '', from: 1, to: 40 };
  const hashOf = (life: string, n: number): string => `${life}f${String(n)}`.padStart(64, '0');
  const batchIn = (
    order: number,
    life: string,
    numbers: readonly number[],
    more: Partial<BatchSummary> & { readonly branch?: typeof one } = {},
  ): BatchSummary => {
    const { branch = one, ...rest } = more;
    return {
      ...batchOf(branch, numbers),
      batchId: formatId('batch', order, new Uint8Array(10)),
      segments: numbers.map((n) => ({ ...segmentOf(branch, n), rawSha256: hashOf(life, n) })),
      ...rest,
    };
  };
  const fullIn = (order: number, life: string, n: number, more: Partial<SetSummary> = {}): SetSummary => ({
    ...fullOf(one, n, order),
    endSegmentSha256: hashOf(life, n),
    ...more,
  });
  const used = (known: CommittedLog): readonly string[] => {
    const found = locate(known, latest);
    return found.isReachable ? found.segments.map(({ segment }) => segment.rawSha256.replace(/^0+/, '')) : [];
  };
  const planLatest = (known: CommittedLog, unusable: RestoreRequest['unusable'] = new Map()) =>
    planRestore({
      ...{ log: known, target: latest, resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true, unusable },
      place: { kind: 'copy', directory: '/srv/copy' },
    });
  const later = { beganAt: minute(60), endedAt: minute(61) };

  test('K-095 a batch that only says that something is missing before it breaks nothing that is there', () => {
    const batches = [batchIn(1, 'a', [2, 3, 4]), batchIn(2, 'a', [5, 6], { isAfterGap: true })];
    expect(used({ sets: [fullIn(1, 'a', 2)], batches })).toEqual(['af2', 'af3', 'af4', 'af5', 'af6']);
    const broken = [batches[0] ?? expect.fail(), batchIn(2, 'b', [5, 6], { breaksWith: hashOf('a', 4) })];
    expect(used({ sets: [fullIn(1, 'a', 2)], batches: broken })).toEqual(['af2', 'af3', 'af4']);
    // In a pool that has what it does continue the same batch breaks nothing.
    const other = [batchIn(1, 'b', [2, 3, 4]), ...broken.slice(1)];
    expect(used({ sets: [fullIn(1, 'b', 2)], batches: other })).toEqual(['bf2', 'bf3', 'bf4', 'bf5', 'bf6']);
  });

  test('K-095 log of two times that a copy brought into one pool is not joined, whatever the order it is read in', () => {
    const batches = [batchIn(1, 'a', [2, 3, 4, 5]), batchIn(2, 'b', [4, 5, 6, 7])];
    for (const order of [batches, [...batches].reverse()]) {
      expect(used({ sets: [fullIn(1, 'a', 2)], batches: order })).toEqual(['af2', 'af3', 'af4', 'af5']);
      expect(used({ sets: [fullIn(2, 'b', 6, later)], batches: order })).toEqual(['bf6', 'bf7']);
    }
  });

  test('K-095 log of a parent of one time is not joined to a child that left it in another', () => {
    const history = `1\t${at(6, 5000)}\tfork\n`;
    const child = { timeline: 2, branchId: 'two', history, from: 6, to: 9, parent: one };
    const batches = [
      batchIn(1, 'a', [2, 3, 4, 5]),
      batchIn(2, 'b', [6, 7], { branch: child, breaksWith: hashOf('a', 5) }),
    ];
    expect(used({ sets: [fullIn(1, 'a', 2)], batches })).toEqual(['af2', 'af3', 'af4', 'af5']);
  });

  test('K-095 a set is not continued by a tail of its end segment that nobody can compare', () => {
    const tail = {
      ...segmentOf(one, 4),
      to: at(4, 9000),
      lastRecord: at(4, 8900),
      rawSha256: hashOf('t', 4),
      marks: [],
    };
    const batches = [batchIn(1, 'a', [2, 3]), { ...batchIn(2, 'a', [4]), to: tail.to, segments: [tail] }];
    expect(used({ sets: [fullIn(2, 'b', 4)], batches })).toEqual([]);
    expect(used({ sets: [fullIn(2, 'a', 3)], batches })).toEqual(['af3', 'tf4']);
  });

  test('K-095 the latest point does not go back to a time that was given up because the set of the present is damaged', () => {
    const [abandoned, present] = [fullIn(1, 'a', 8), fullIn(2, 'b', 5, later)];
    const damaged = new Map([[present.setId, 'a piece is short']]);
    const refused = expect.objectContaining({ code: 'point_needs_excluded_set' }) as Error;
    const log = { sets: [abandoned, present], batches: [batchIn(1, 'a', [8, 9])] };
    expect(() => planLatest(log, damaged)).toThrow(refused);
    const before = { sets: [fullIn(1, 'a', 2), present], batches: [batchIn(1, 'a', [2, 3, 4, 5, 6])] };
    expect(() => planLatest(before, damaged)).toThrow(refused);
    expect(planLatest(before).setId).toBe(present.setId);
  });

  const toSegment8 = (sets: readonly SetSummary[], more: Partial<RestoreRequest> = {}) => {
    const batches = [batchIn(1, 'a', [2, 3, 4, 5, 6, 7, 8, 9])];
    return planRestore({
      ...{ log: { sets, batches }, target: { at: 'lsn', lsn: at(8, 1 << 20), isInclusive: true } },
      ...{ resourceName: 'orders', tablespaceMap: {}, isOpenedAfter: true },
      place: { kind: 'copy', directory: '/srv/copy' },
      ...more,
    });
  };

  test('K-095 a plan that leads into a time that was given up says so, by its set or by its log, also when the set was named', () => {
    const [first, left, furthest, present] = [
      fullIn(1, 'a', 2),
      fullIn(2, 'a', 6),
      fullIn(3, 'a', 9),
      fullIn(4, 'b', 5, later),
    ];
    const entersGivenUp = { setId: present.setId, endLsn: present.endLsn, endedAt: present.endedAt };
    const ways = [
      [first, [first, present]],
      [first, [first, left, present]],
      [left, [left, present]],
      [left, [left, furthest, present]],
    ] as const;
    for (const [chosen, sets] of ways)
      for (const plan of [toSegment8(sets), toSegment8(sets, { setId: chosen.setId })]) {
        expect(plan).toMatchObject({ setId: chosen.setId, entersGivenUp });
        expect(plan.leavesGivenUp).toBeUndefined();
        expect(plan.steps[0]).toMatch(`ENTERS A TIME THAT WAS GIVEN UP`);
        expect(plan.steps[0]).toContain(`choose a point that ${present.setId} leads to, or name that set`);
        expect(warningsOf(plan)).toEqual([{ code: 'given_up_time_entered', detail: plan.steps[0] }]);
      }
    const damaged = new Map([[present.setId, 'a piece is short']]);
    expect(toSegment8([first, present], { unusable: damaged }).entersGivenUp).toEqual(entersGivenUp);
  });

  test('K-095 a plan that stops before a time was given up, or that is of the present itself, enters none', () => {
    const [first, left, present] = [fullIn(1, 'a', 2), fullIn(2, 'a', 6), fullIn(4, 'b', 5, later)];
    const before = { target: { at: 'lsn', lsn: at(4, 1 << 20), isInclusive: true } } as const;
    expect(toSegment8([first, present], before).entersGivenUp).toBeUndefined();
    expect(toSegment8([first, left, present], { target: latest }).entersGivenUp).toBeUndefined();
    // The set is what was given up: all of this log was written after it.
    const gone = fullIn(2, 'b', 6, { beganAt: minute(4), endedAt: minute(4.5) });
    expect(toSegment8([first, gone]).entersGivenUp).toBeUndefined();
    // Of another instance with the same origin nothing is known by this one.
    const other = { ...present, resourceId: formatId('res', 7, new Uint8Array(10)) };
    expect(toSegment8([first, other]).entersGivenUp).toBeUndefined();
  });

  test('K-095 idle log behind the place of a later set is of which time its own cover says', () => {
    const whole = batchIn(1, 'a', [2, 3, 4, 5, 6, 7, 8]);
    const segments = whole.segments.map(({ name, object, from, to, lastRecord, rawSha256, storedSha256 }) => ({
      ...{ name, object, from, to, lastRecord, rawSha256, storedSha256 },
      ...{ rawBytes: 16 << 20, storedBytes: 1000, restorePoints: [] },
    }));
    const [first, present] = [fullIn(1, 'a', 2), fullIn(4, 'b', 5, later)];
    const enteredAt = (coveredUntil: Instant) =>
      toSegment8([first, present], { log: { sets: [first, present], batches: [{ ...whole, segments, coveredUntil }] } })
        .entersGivenUp;
    expect(enteredAt(minute(59))).toMatchObject({ setId: present.setId });
    expect(enteredAt(minute(70))).toBeUndefined();
  });

  test('K-091 log restored as files for a set says where it is of another time than that set', () => {
    const batches = [batchIn(1, 'a', [2, 3, 4, 5, 6, 7, 8, 9])];
    const [own, present] = [fullIn(1, 'a', 5), fullIn(4, 'b', 5, later)];
    const resource = { id: own.resourceId, name: 'orders', engine: own.engine };
    const gapsOf = ({ setId }: SetSummary) =>
      planLogRestore({ log: { sets: [own, present], batches }, resource, setId }).gaps;
    expect(gapsOf(own)).toEqual([]);
    expect(gapsOf(present)).toMatchObject([
      { from: at(5), to: at(5), what: expect.stringContaining(`of another time than ${present.setId}`) as string },
    ]);
  });

  test('K-049 a break is told also where gaps that plans made are left out', () => {
    const batches = [batchIn(1, 'a', [2, 3]), batchIn(2, 'b', [4, 5], { breaksWith: hashOf('a', 3) })];
    const [branch] = explainGaps(coverage({ sets: [], batches }), []).branches;
    expect(branch?.gaps).toMatchObject([{ from: at(4), to: at(4), isBreak: true }]);
  });
});
