import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SetSummary } from '../backup/set-summary.ts';
import { formatId } from '../id.ts';
import { instantFromMs } from '../instant.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { formatSegmentName } from '../wal/segment-name.ts';
import type { BatchSummary, SegmentOfBatch } from './batch-summary.ts';
import { coverage, locate } from './coverage.ts';

const bytes = 16 << 20;
const systemId = '7300000000000000001';
/** Segment n holds one commit, at minute n, in its middle. */
const minute = (n: number): ReturnType<typeof instantFromMs> => instantFromMs(1_700_000_000_000 + n * 60_000);
const at = (segment: number, offset = 0): ReturnType<typeof formatLsn> => formatLsn(segment * bytes + offset);
const branchOf = (history: string): string =>
  Array.from(history)
    .reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7)
    .toString(16)
    .padStart(32, '0');
const id = <P extends 'set' | 'batch' | 'run' | 'res' | 'try'>(prefix: P, n: number) =>
  formatId(prefix, n, new Uint8Array(10));

const segment = (n: number, timeline = 1, skewMinutes = 0): SegmentOfBatch => {
  const commit = minute(n + skewMinutes);
  return {
    ...{
      name: formatSegmentName({ timeline, number: n }, bytes),
      object: 'x',
      from: at(n),
      to: at(n + 1),
      lastRecord: at(n, bytes - 64),
    },
    ...{
      rawSha256: '',
      storedSha256: '',
      rawBytes: bytes,
      storedBytes: 1,
      firstCommit: commit,
      lastCommit: commit,
      maxCommit: commit,
    },
    ...{
      restorePoints: [{ name: `p${String(n)}`, lsn: at(n, 4096), at: commit }],
      marks: [{ lsn: at(n, bytes / 2), at: commit }],
    },
    xids: { lowest: String(n * 10), highest: String(n * 10 + 9) },
  };
};

const batch = (numbers: readonly number[], timeline = 1, history = ''): BatchSummary => {
  const [first = 0] = numbers;
  const last = numbers[numbers.length - 1] ?? first;
  return {
    ...{
      batchId: id('batch', 1000 + first),
      runId: id('run', 1),
      resourceId: id('res', 1),
      systemId,
      timeline,
      branchId: branchOf(history),
      history,
    },
    ...{
      segmentBytes: bytes,
      from: at(first),
      to: at(last + 1),
      coveredUntil: minute(last + 0.5),
      previousSha256: '',
      isAfterGap: false,
    },
    segments: numbers.map((n) => segment(n, timeline)),
  };
};

/** A set whose log begins and ends in segment n, closed by its switch; taken at minute n. */
const set = (n: number, timeline = 1, history = ''): SetSummary => ({
  ...{
    setId: id('set', n + 1),
    runId: id('run', n),
    attemptId: id('try', n),
    resourceId: id('res', 1),
    type: 'full',
    engine: 'postgresql',
    serverVersion: 150000,
  },
  ...{
    systemId,
    timeline,
    branchId: branchOf(history),
    beginLsn: at(n, 40),
    endLsn: at(n, 4000),
    backupEndLsn: at(n, 4000),
  },
  ...{
    beginSegment: formatSegmentName({ timeline, number: n }, bytes),
    endSegment: formatSegmentName({ timeline, number: n }, bytes),
  },
  ...{
    beganAt: minute(n - 0.2),
    endedAt: minute(n - 0.1),
    isConsistent: true,
    hasChecksums: true,
    pageBytes: 8192,
    segmentBytes: bytes,
    tablespaces: [],
  },
  ...{ fileCount: 1, rawBytes: 1, storedBytes: 1, pieceCount: 1, isEncrypted: false, warnings: [], toolVersion: '0' },
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('coverage', () => {
  test('K-049 stretches and gaps tile the log of a branch, whatever the order and cut of its batches', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), fc.nat(), (numbers, seed) => {
        const batches = numbers
          .map((n) => batch([n]))
          .sort((a, b) => (a.batchId < b.batchId ? 1 : -1) * (seed % 2 === 0 ? 1 : -1));
        const [branch] = coverage({ sets: [], batches }).branches;
        const parts = [...(branch?.stretches ?? []), ...(branch?.gaps ?? [])].sort(
          (a, b) => lsnToNumber(a.from) - lsnToNumber(b.from),
        );
        expect(parts[0]?.from).toBe(at(Math.min(...numbers)));
        expect(parts[parts.length - 1]?.to).toBe(at(Math.max(...numbers) + 1));
        parts.slice(1).forEach((part, i) => {
          expect(part.from).toBe(parts[i]?.to);
        });
        expect((branch?.stretches ?? []).reduce((sum, stretch) => sum + stretch.segmentCount, 0)).toBe(numbers.length);
      }),
    );
  });

  test('an idle batch moves covered-until and nothing else', () => {
    const idle = { ...batch([]), batchId: id('batch', 9000), from: at(5), to: at(5), coveredUntil: minute(99) };
    const [branch] = coverage({ sets: [set(1)], batches: [batch(range(1, 5)), idle] }).branches;
    expect(branch?.stretches[0]?.coveredUntil).toBe(minute(99));
    expect(branch?.stretches[0]?.to).toBe(at(5));
  });
});

describe('locating a target', () => {
  const committed = { sets: [set(2), set(6)], batches: [batch(range(1, 5)), batch(range(5, 10))] };

  test('K-095 a time is reached from the newest set that ends before the place where recovery stops', () => {
    const found = locate(committed, { at: 'time', time: minute(7.5), isInclusive: true });
    expect(found).toMatchObject({
      isReachable: true,
      setId: id('set', 7),
      lsn: at(8, bytes / 2),
      setting: { at: 'time' },
    });
    expect(locate(committed, { at: 'time', time: minute(4), isInclusive: true })).toMatchObject({
      setId: id('set', 3),
      lsn: at(5, bytes / 2),
    });
    expect(locate(committed, { at: 'time', time: minute(4), isInclusive: false })).toMatchObject({
      lsn: at(4, bytes / 2),
    });
  });

  test('K-095 a time after the last commit but inside covered-until is executed as the last contiguous record', () => {
    const found = locate(committed, { at: 'time', time: minute(9.2), isInclusive: true });
    expect(found).toMatchObject({
      isReachable: true,
      setting: { at: 'lsn', lsn: at(9, bytes - 64) },
      mustReach: at(9, bytes - 64),
    });
    const late = locate(committed, { at: 'time', time: minute(11), isInclusive: true });
    expect(late).toMatchObject({
      isReachable: false,
      reason: 'after-latest',
      before: { lsn: at(9, bytes - 64), at: minute(9.5) },
    });
  });

  test('latest is an explicit LSN; without log behind the set it is the backup state', () => {
    expect(locate(committed, { at: 'latest' })).toMatchObject({
      setId: id('set', 7),
      setting: { at: 'lsn', lsn: at(9, bytes - 64) },
    });
    expect(locate({ sets: [set(2)], batches: [] }, { at: 'latest' })).toMatchObject({
      setting: { at: 'immediate' },
      mustReach: set(2).endLsn,
      segments: [],
    });
    expect(locate({ sets: [], batches: [] }, { at: 'latest' })).toEqual({ isReachable: false, reason: 'no-set' });
  });

  test('a target in a gap is refused with the nearest points on both sides', () => {
    const broken = { sets: [set(2), set(6)], batches: [batch(range(1, 4)), batch(range(6, 10))] };
    const lost = locate(broken, { at: 'lsn', lsn: at(5), isInclusive: true });
    expect(lost).toEqual({
      ...{ isReachable: false, reason: 'in-gap' },
      before: { lsn: at(3, bytes - 64), at: minute(3.5) },
      after: { lsn: set(6).endLsn, at: set(6).endedAt },
    });
    expect(locate(broken, { at: 'time', time: minute(5), isInclusive: true })).toMatchObject({ reason: 'in-gap' });
    expect(locate(broken, { at: 'lsn', lsn: at(1), isInclusive: true })).toMatchObject({
      reason: 'before-first-set',
      after: { lsn: set(2).endLsn },
    });
    const unset = { ...broken, sets: [set(2)] };
    expect(locate(unset, { at: 'lsn', lsn: at(5), isInclusive: true })).toEqual({
      isReachable: false,
      reason: 'in-gap',
      before: lost.isReachable ? undefined : lost.before,
    });
    expect(locate(unset, { at: 'time', time: minute(8), isInclusive: true })).toMatchObject({ reason: 'in-gap' });
    expect(locate(unset, { at: 'time', time: minute(11), isInclusive: true })).toMatchObject({
      reason: 'after-latest',
    });
  });

  test('K-096 names and transactions are found where they are, unknown ones are refused', () => {
    expect(locate(committed, { at: 'name', name: 'p7' })).toMatchObject({ setId: id('set', 7), lsn: at(7, 4096) });
    expect(locate(committed, { at: 'name', name: 'p1' })).toEqual({ isReachable: false, reason: 'name-unknown' });
    expect(locate(committed, { at: 'xid', xid: String(2 ** 32 + 83), isInclusive: true })).toMatchObject({
      setting: { xid: '83' },
      lsn: at(8),
    });
    expect(locate(committed, { at: 'xid', xid: '5000', isInclusive: true })).toEqual({
      isReachable: false,
      reason: 'xid-unknown',
      before: { lsn: coverage(committed).latest?.lsn, at: coverage(committed).coveredUntil },
      after: coverage(committed).earliest,
    });
  });

  test('K-096 a name that several restore points have is refused with the place and time of each', () => {
    const again = batch([8]);
    const renamed = again.segments.map((each) => ({
      ...each,
      restorePoints: [{ name: 'p3', lsn: at(8, 100), at: minute(8) }],
    }));
    const log = { sets: [set(2), set(6)], batches: [batch(range(1, 8)), { ...again, segments: renamed }] };
    expect(locate(log, { at: 'name', name: 'p3' })).toEqual({
      ...{ isReachable: false, reason: 'name-ambiguous' },
      points: [
        { lsn: at(3, 4096), at: minute(3) },
        { lsn: at(8, 100), at: minute(8) },
      ],
    });
    expect(locate({ ...log, sets: [set(6)] }, { at: 'name', name: 'p3' })).toMatchObject({ lsn: at(8, 100) });
  });

  test('K-096 a transaction that log before the newest set may hold is planned from a set before that log', () => {
    const wide = batch(range(1, 9));
    const segments = wide.segments.map((each) => ({ ...each, xids: { lowest: '10', highest: '99' } }));
    const log = { sets: [set(0), set(2), set(6)], batches: [{ ...wide, segments }] };
    expect(locate(log, { at: 'xid', xid: '50', isInclusive: true })).toMatchObject({ setId: set(0).setId });
    const late = wide.segments.map((each, i) => ({ ...each, xids: { lowest: '10', highest: i < 6 ? '40' : '99' } }));
    const certain = { ...log, batches: [{ ...wide, segments: late }] };
    expect(locate(certain, { at: 'xid', xid: '50', isInclusive: true })).toMatchObject({ setId: set(6).setId });
  });

  test('K-095 without a timeline the branch of the owner counts, not that of a copy with the same origin', () => {
    const history = `1\t${at(4, 5000)}\tno recovery target specified\n`;
    const copy = id('res', 2);
    const log = {
      sets: [set(2), { ...set(6, 2, history), resourceId: copy }],
      batches: [batch(range(1, 9)), { ...batch(range(4, 12), 2, history), resourceId: copy }],
    };
    const owned = (n: number) => ({ ...log, owner: id('res', n) });
    expect(locate(owned(1), { at: 'latest' })).toMatchObject({ timeline: 1, setId: set(2).setId });
    expect(locate(owned(2), { at: 'latest' })).toMatchObject({ timeline: 2, setId: set(6).setId });
    expect(locate(owned(1), { at: 'latest' }, branchOf(history))).toMatchObject({ timeline: 2 });
    expect(locate(owned(3), { at: 'latest' })).toEqual({ isReachable: false, reason: 'no-set' });
    expect(coverage(owned(1)).currentBranchId).toBe(branchOf(''));
  });

  test('every reachable LSN has a gap-free chain of segments from the end of its set to the point', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 30 })),
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 31 * bytes }),
        (numbers, setsAt, point) => {
          const log = { sets: setsAt.map((n) => set(n)), batches: numbers.map((n) => batch([n])) };
          const found = locate(log, { at: 'lsn', lsn: formatLsn(point), isInclusive: true });
          const best = setsAt.filter((n) => reaches(numbers, n, point)).sort((a, b) => b - a)[0];
          expect(found.isReachable ? found.setId : undefined).toBe(
            best === undefined ? undefined : id('set', best + 1),
          );
          if (!found.isReachable) return;
          found.segments.slice(1).forEach((each, i) => {
            expect(each.segment.from).toBe(found.segments[i]?.segment.to);
          });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('K-098 log of a child branch is taken from its fork on, never the abandoned log behind it', () => {
    const history = `1\t${at(4, 5000)}\tno recovery target specified\n`;
    const sibling = `1\t${at(3, 5000)}\tbefore 2000-01-01\n`;
    const log = {
      sets: [set(2), set(6)],
      batches: [batch(range(1, 9)), batch(range(4, 7), 2, history), batch(range(3, 5), 2, sibling)],
    };
    const found = locate(log, { at: 'latest' }, branchOf(history));
    expect(found).toMatchObject({
      isReachable: true,
      setId: id('set', 3),
      timeline: 2,
      setting: { lsn: at(6, bytes - 64) },
    });
    const names = found.isReachable ? found.segments.map((each) => each.segment.name) : [];
    expect(names).toEqual(
      [2, 3]
        .map((n) => formatSegmentName({ timeline: 1, number: n }, bytes))
        .concat([4, 5, 6].map((n) => formatSegmentName({ timeline: 2, number: n }, bytes))),
    );
    const old = locate(log, { at: 'latest' }, branchOf(''));
    expect(old).toMatchObject({ setId: id('set', 7), timeline: 1 });
    expect(locate(log, { at: 'latest' }, 'nowhere')).toEqual({ isReachable: false, reason: 'timeline-unknown' });
    expect(coverage(log).branches.find((branch) => branch.branchId === branchOf(sibling))?.parent).toEqual({
      branchId: branchOf(''),
      forkLsn: at(3, 5000),
    });
  });

  test('K-098 log that was lost before a switch of timelines is a gap of the branch that came after it', () => {
    const two = `1\t${at(6, 5000)}\tno recovery target specified\n`;
    const three = `${two}\n2\t${at(9, 5000)}\tno recovery target specified\n`;
    const gapsOf = (timeline: number, ...batches: BatchSummary[]) =>
      coverage({ sets: [set(2)], batches }).branches.find((branch) => branch.timeline === timeline)?.gaps;
    const lost = [{ from: at(4), to: at(6) }];
    expect(gapsOf(2, batch(range(1, 4)), batch(range(6, 8), 2, two))).toEqual(lost);
    // The segment of the switch begins the child: nothing of it is missed of the parent.
    expect(gapsOf(2, batch(range(1, 6)), batch(range(6, 8), 2, two))).toEqual([]);
    expect(gapsOf(2, batch(range(1, 4)), batch(range(7, 8), 2, two))).toEqual([{ from: at(4), to: at(7) }]);
    // Nobody ever backed up log of the parent.
    expect(gapsOf(2, batch(range(6, 8), 2, two))).toEqual([]);
    expect(gapsOf(3, batch(range(1, 6)), batch(range(9, 11), 3, three))).toEqual([{ from: at(6), to: at(9) }]);
    expect(gapsOf(3, batch(range(1, 6)), batch(range(6, 9), 2, two), batch(range(9, 11), 3, three))).toEqual([]);
  });

  test('K-098 a branch that leaves its parent before the fork of that parent takes the log up to its own fork', () => {
    const two = `1\t${at(4, 6000)}\tat r1\n`;
    const three = `${two}\n2\t${at(4, 5000)}\tat r0\n`;
    const late = {
      ...set(4),
      setId: id('set', 99),
      beginLsn: at(4, 5100),
      endLsn: at(4, 5500),
      backupEndLsn: at(4, 5500),
    };
    const log = {
      sets: [set(2), late],
      batches: [batch(range(1, 6)), batch(range(4, 6), 2, two), batch(range(4, 7), 3, three)],
    };
    const found = locate(log, { at: 'latest' });
    expect(found).toMatchObject({
      isReachable: true,
      setId: id('set', 3),
      timeline: 3,
      setting: { lsn: at(6, bytes - 64) },
    });
    expect(found.isReachable ? found.segments.map((each) => each.timeline) : []).toEqual([1, 1, 3, 3, 3]);
    const branch = coverage(log).branches.find((each) => each.timeline === 3);
    expect(branch).toMatchObject({ parent: { branchId: branchOf(two), forkLsn: at(4, 5000) }, gaps: [] });
  });

  test('K-098 a set never stands in for a missing segment of a child that left its branch in that segment', () => {
    const history = `1\t${at(2, 6000)}\tbefore 2000-01-01\n`;
    const sets = [set(2)];
    const broken = { sets, batches: [batch(range(1, 6)), batch(range(3, 7), 2, history)] };
    expect(locate(broken, { at: 'lsn', lsn: at(5), isInclusive: true })).toMatchObject({ isReachable: false });
    expect(locate(broken, { at: 'latest' })).toMatchObject({ setting: { at: 'immediate' }, segments: [] });
    const whole = { sets, batches: [batch(range(1, 6)), batch(range(2, 7), 2, history)] };
    expect(locate(whole, { at: 'lsn', lsn: at(5), isInclusive: true })).toMatchObject({
      isReachable: true,
      timeline: 2,
    });
  });

  test('a branch of which nothing was archived is passed over when its child begins in the same segment', () => {
    const two = `1\t${at(4, 5000)}\tfirst\n`;
    const three = `${two}\n2\t${at(4, 6000)}\tsecond\n`;
    const log = { sets: [set(2)], batches: [batch(range(1, 6)), batch(range(4, 7), 3, three)] };
    expect(locate(log, { at: 'latest' })).toMatchObject({ timeline: 3, setting: { lsn: at(6, bytes - 64) } });
  });
});

/** The same question answered by hand: is every segment from the set's own to the one with the point there? */
function reaches(numbers: readonly number[], setAt: number, point: number): boolean {
  const end = setAt * bytes + 4000;
  if (point < end) return false;
  if (point === end) return true;
  let next = numbers.includes(setAt) ? setAt : setAt + 1;
  if (!numbers.includes(next)) return false;
  while (numbers.includes(next)) next++;
  return point <= next * bytes;
}
