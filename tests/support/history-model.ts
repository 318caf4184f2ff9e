import fc from 'fast-check';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { AttemptId, BatchId, ResourceId, RunId, SetId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary, SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';

/** A made-up history of one database: branches, segments of 16 MiB with one commit each, sets that end in some of them. */
export const segmentBytes = 16 << 20;
export const systemId = '7300000000000000001';

const id =
  (n: number) =>
  <P extends 'set' | 'batch' | 'run' | 'res' | 'try'>(prefix: P) =>
    formatId(prefix, n, new Uint8Array(10));
export const setIdOf = (n: number): SetId => id(n)('set');
const runId: RunId = id(1)('run');
const attemptId: AttemptId = id(1)('try');
export const resourceId: ResourceId = id(1)('res');
const batchId = (n: number): BatchId => id(n)('batch');

/** Position in a segment. */
export const at = (segment: number, offset = 0): Lsn => formatLsn(segment * segmentBytes + offset);
/** Segment n holds one commit, at minute n, in its middle. */
export const minute = (n: number): Instant => instantFromMs(1_700_000_000_000 + Math.round(n * 60_000));
const beginOffset = 40;
export const endOffset = 4000;
const forkOffset = 5000;

export interface Branch {
  readonly timeline: number;
  readonly branchId: string;
  readonly history: string;
  /** Segment in which it leaves its parent; its log begins there. */
  readonly from: number;
  readonly to: number;
  readonly parent?: Branch;
}

const first = (to: number): Branch => ({ timeline: 1, branchId: 'branch 1', history: '', from: 1, to });

const fork = (parent: Branch, timeline: number, from: number, length: number): Branch => ({
  timeline,
  branchId: `branch ${String(timeline)}`,
  history: `${parent.history}${parent.history === '' ? '' : '\n'}${String(parent.timeline)}\t${at(from, forkOffset)}\tfork\n`,
  from,
  to: from + length,
  parent,
});

export function segmentOf(branch: Branch, n: number): SegmentOfBatch {
  const name = formatSegmentName({ timeline: branch.timeline, number: n }, segmentBytes);
  const commit = minute(n);
  return {
    ...{ name, object: name, from: at(n), to: at(n + 1), lastRecord: at(n, segmentBytes - 64) },
    ...{ rawSha256: '', storedSha256: '', rawBytes: segmentBytes, storedBytes: 1000 },
    ...{ firstCommit: commit, lastCommit: commit, maxCommit: commit },
    restorePoints: [{ name: `p${String(n)}`, lsn: at(n, 4096), at: commit }],
    marks: [{ lsn: at(n, segmentBytes / 2), at: commit }],
    xids: { lowest: String(n * 10), highest: String(n * 10 + 9) },
  };
}

export const batchOf = (branch: Branch, numbers: readonly number[]): BatchSummary => {
  const [begin = branch.from] = numbers;
  const end = numbers.slice(-1)[0] ?? begin;
  return {
    batchId: batchId(branch.timeline * 10_000 + begin),
    ...{ runId, resourceId, systemId, segmentBytes },
    ...{ timeline: branch.timeline, branchId: branch.branchId, history: branch.history },
    ...{ from: at(begin), to: at(end + 1), coveredUntil: minute(end + 0.5), previousSha256: '', isAfterGap: false },
    segments: numbers.map((n) => segmentOf(branch, n)),
  };
};

/** A set whose log begins and ends in segment n of a branch; `index` makes its id. */
export const fullOf = (branch: Branch, n: number, index: number): SetSummary => ({
  ...{ setId: setIdOf(index), runId, attemptId, resourceId, systemId, type: 'full' },
  ...{ engine: 'postgresql', serverVersion: 150000, toolVersion: '0' },
  ...{ timeline: branch.timeline, branchId: branch.branchId },
  ...{ beginLsn: at(n, beginOffset), endLsn: at(n, endOffset), backupEndLsn: at(n, endOffset) },
  beginSegment: formatSegmentName({ timeline: branch.timeline, number: n }, segmentBytes),
  endSegment: formatSegmentName({ timeline: branch.timeline, number: n }, segmentBytes),
  ...{ beganAt: minute(n - 0.2), endedAt: minute(n - 0.1), isConsistent: true, hasChecksums: true },
  ...{ pageBytes: 8192, segmentBytes, tablespaces: [], isEncrypted: false, warnings: [] },
  ...{ fileCount: 1, rawBytes: 1000, storedBytes: 500, pieceCount: 1 },
});

export const incrementalOn = (
  base: Pick<SetSummary, 'setId' | 'base' | 'beginLsn' | 'endLsn'>,
  set: SetSummary,
): SetSummary => ({
  ...set,
  type: base.base === undefined ? 'cumulative' : 'differential',
  base: {
    setId: base.setId,
    metaSha256: '0'.repeat(64),
    fullSetId: base.base?.fullSetId ?? base.setId,
    ...{ beginLsn: base.beginLsn, endLsn: base.endLsn, changedPages: 'page-lsn' },
  },
});

export interface History {
  readonly branches: readonly Branch[];
  readonly sets: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
  readonly unusable: ReadonlyMap<SetId, string>;
}

const branchesArbitrary = fc
  .tuple(
    fc.integer({ min: 4, max: 14 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 8 })), { maxLength: 2 }),
  )
  .map(([length, forks]) => {
    const branches = [first(1 + length)];
    for (const [whose, where, more] of forks) {
      const parent = branches[whose % branches.length] ?? first(1);
      const from = parent.from + 1 + (where % Math.max(1, parent.to - parent.from));
      branches.push(fork(parent, branches.length + 1, from, more));
    }
    return branches;
  });

interface Choice {
  readonly branch: number;
  readonly segment: number;
  /** A third are fulls, the others build on an earlier set, a few on one that was never there. */
  readonly base: number;
  readonly isUnusable: boolean;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  branch: fc.nat({ max: 100 }),
  segment: fc.nat({ max: 100 }),
  base: fc.nat({ max: 100 }),
  isUnusable: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

function setsOf(branches: readonly Branch[], choices: readonly Choice[]): SetSummary[] {
  const sets: SetSummary[] = [];
  choices.forEach((each, i) => {
    const branch = branches[each.branch % branches.length] ?? first(1);
    const room = Math.max(1, branch.to - branch.from);
    const set = fullOf(branch, branch.from + (branch.parent === undefined ? 0 : 1) + (each.segment % room), i + 1);
    const isFull = each.base % 3 === 0;
    const base = isFull ? undefined : sets[each.base % (sets.length + 1)];
    const isLost = !isFull && base === undefined && each.base > 60;
    if (isLost) sets.push(incrementalOn({ ...set, setId: setIdOf(9000 + i) }, set));
    else sets.push(base === undefined ? set : incrementalOn(base, set));
  });
  return sets;
}

/** Random branches, segments of which some are lost, sets, bases and damage. */
export const histories: fc.Arbitrary<History> = fc
  .tuple(
    branchesArbitrary,
    fc.array(choice, { maxLength: 8, size: 'max' }),
    fc.array(fc.nat({ max: 40 }), { maxLength: 3 }),
  )
  .map(([branches, choices, lost]) => {
    const sets = setsOf(branches, choices);
    const numbers = branches.flatMap((branch) =>
      Array.from({ length: branch.to - branch.from + 1 }, (_, i) => ({ branch, n: branch.from + i })),
    );
    const batches = numbers.filter((_, i) => !lost.includes(i)).map(({ branch, n }) => batchOf(branch, [n]));
    const bad = sets.filter((_, i) => choices[i]?.isUnusable === true);
    return { branches, sets, batches, unusable: new Map(bad.map(({ setId }) => [setId, 'it is damaged'])) };
  });
