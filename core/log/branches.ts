import type { SetSummary } from '../backup/set-summary.ts';
import type { ResourceId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { instantFromMicros } from '../instant.ts';
import type { BatchSummary, SegmentOfBatch } from './batch-summary.ts';
import type { RouteStep } from './timeline.ts';
import { ancestryKey, endsOf, parentKey, parseHistory } from '../wal/history-file.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';

/** Everything committed for one database: one system id. */
export interface CommittedLog {
  readonly sets: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
  /** Sets that cannot be restored from; they still tell which branches there are. */
  readonly unusable?: readonly SetSummary[];
  /**
   * Whose branch is the current one: copies that became instances of their own share system id and pool. Without it every
   * branch may be.
   */
  readonly owner?: ResourceId;
}

export interface KnownSegment {
  readonly branchId: string;
  readonly timeline: number;
  /** Byte position of its begin and of the end of its verified log. */
  readonly from: number;
  readonly to: number;
  readonly segmentBytes: number;
  readonly segment: SegmentOfBatch;
  /** Time up to which the log is proven to be known when this segment is the last one. */
  readonly coveredUntil: Instant;
}

export interface KnownBranch {
  readonly branchId: string;
  readonly timeline: number;
  readonly history?: string;
  /** By begin, no two begin at one position. */
  readonly segments: ReadonlyMap<number, KnownSegment>;
  /** Positions of segments that do not continue the log which is known right before them: other log was refused in its place. */
  readonly breaks: ReadonlySet<number>;
  /** Latest wall time at which anything of it is known. */
  readonly latest: Instant;
  /** Resources that made sets or log on it. */
  readonly writers: ReadonlySet<ResourceId>;
}

interface Growing {
  readonly branchId: string;
  readonly timeline: number;
  history: string | undefined;
  segments: Map<number, KnownSegment>;
  breaks: ReadonlySet<number>;
  latest: Instant;
  readonly writers: Set<ResourceId>;
}

/** Sorts what is committed by branch. */
export function branchesOf(log: CommittedLog): ReadonlyMap<string, KnownBranch> {
  const branches = new Map<string, Growing>();
  const grow = ({ branchId, timeline, resourceId }: SetSummary | BatchSummary, at: Instant): Growing => {
    const history = timeline === 1 ? '' : undefined;
    const branch = branches.get(branchId) ?? {
      branchId,
      timeline,
      history,
      segments: new Map<number, KnownSegment>(),
      breaks: new Set<number>(),
      latest: at,
      writers: new Set<ResourceId>(),
    };
    branch.writers.add(resourceId);
    if (at > branch.latest) branch.latest = at;
    branches.set(branchId, branch);
    return branch;
  };
  for (const set of [...log.sets, ...(log.unusable ?? [])]) grow(set, set.endedAt);
  for (const batch of log.batches) {
    const branch = grow(batch, batch.coveredUntil);
    branch.history = batch.history;
    for (const known of knownSegments(batch)) keepBetter(branch.segments, known);
  }
  for (const batch of log.batches) if (batch.segments.length === 0) extendCover(branches.get(batch.branchId), batch);
  for (const branch of branches.values()) {
    branch.breaks = breaksOf(log.batches.filter(({ branchId }) => branchId === branch.branchId));
    branch.segments = inOrder(branch);
  }
  return branches as ReadonlyMap<string, Growing & KnownBranch>;
}

/** What a segment says of time that holds no commit, and that no other log leads to. */
const nothingProven = instantFromMicros(0);

/**
 * The time of a batch is that of its end. Why by position: when its last segments were found damaged, the last sound one does not
 * end there, and a time behind its own commits would be taken as reached although their log is lost.
 */
function knownSegments(batch: BatchSummary): KnownSegment[] {
  const { branchId, timeline, segmentBytes } = batch;
  const end = lsnToNumber(batch.to);
  return batch.segments.map((segment) => {
    const [from, to] = [lsnToNumber(segment.from), lsnToNumber(segment.to)];
    const coveredUntil = to >= end ? batch.coveredUntil : (segment.maxCommit ?? nothingProven);
    return { branchId, timeline, segmentBytes, segment, coveredUntil, from, to };
  });
}

/**
 * Recorded breaks at which log of one branch meets. Why only where what ends there was committed before: a batch behind a gap
 * says that it is, too, and the gap may have been closed since.
 */
function breaksOf(batches: readonly BatchSummary[]): ReadonlySet<number> {
  const broken = batches.filter(({ isAfterGap }) => isAfterGap);
  if (broken.length === 0) return new Set();
  const firstEnding = new Map<string, string>();
  for (const { batchId, segments } of batches) {
    for (const { to } of segments) if (batchId < (firstEnding.get(to) ?? '~')) firstEnding.set(to, batchId);
  }
  const meets = ({ batchId, from }: BatchSummary): boolean => (firstEnding.get(from) ?? '~') < batchId;
  return new Set(broken.filter(meets).map(({ from }) => lsnToNumber(from)));
}

/** By begin; a segment that proves no time by itself proves what the log right before it does. */
function inOrder({ segments, breaks }: Pick<KnownBranch, 'segments' | 'breaks'>): Map<number, KnownSegment> {
  const ordered = new Map<number, KnownSegment>();
  let before: KnownSegment | undefined;
  for (const known of [...segments.values()].sort((a, b) => a.from - b.from)) {
    const cover = before?.to === known.from && !breaks.has(known.from) ? before.coveredUntil : nothingProven;
    before = known.coveredUntil === nothingProven ? { ...known, coveredUntil: cover } : known;
    ordered.set(known.from, before);
  }
  return ordered;
}

/** A batch without segments says that nothing followed the log before it up to a later time: an idle database. */
function extendCover(branch: Growing | undefined, batch: BatchSummary): void {
  const end = lsnToNumber(batch.to);
  // The segment that holds the last byte: a whole one, or a tail that ends inside its segment.
  const last = branch?.segments.get(end - 1 - ((end - 1) % batch.segmentBytes));
  if (branch === undefined || last?.to !== end || last.coveredUntil >= batch.coveredUntil) return;
  branch.segments.set(last.from, { ...last, coveredUntil: batch.coveredUntil });
}

/** An unfinished tail gives way to the same segment with more log. */
function keepBetter(segments: Map<number, KnownSegment>, known: KnownSegment): void {
  const before = segments.get(known.from);
  if (before === undefined || before.to < known.to) segments.set(known.from, known);
}

/** The branch that a history names as its parent; undefined when the pool holds nothing of it. */
export function parentOf(branch: KnownBranch, branches: ReadonlyMap<string, KnownBranch>): KnownBranch | undefined {
  if (branch.history === undefined || branch.history === '') return undefined;
  return branchByKey(parentKey(branch.history), lastEntry(branch.history)?.timeline ?? 0, branches);
}

const lastEntry = (history: string): ReturnType<typeof parseHistory>[number] | undefined =>
  parseHistory(history).slice(-1)[0];

function branchByKey(
  key: string,
  timeline: number,
  branches: ReadonlyMap<string, KnownBranch>,
): KnownBranch | undefined {
  const isIt = (each: KnownBranch): boolean =>
    each.timeline === timeline && each.history !== undefined && ancestryKey(each.history) === key;
  return [...branches.values()].find(isIt);
}

/** Where a branch left its parent; undefined on timeline 1. */
export const forkOf = (branch: KnownBranch): number | undefined => {
  const entry = branch.history === undefined ? undefined : lastEntry(branch.history);
  return entry === undefined ? undefined : lsnToNumber(entry.switchLsn);
};

/** The way from timeline 1 to a branch by its own history file; without one the branch stands alone. */
export function routeTo(branch: KnownBranch, branches: ReadonlyMap<string, KnownBranch>): readonly RouteStep[] {
  const entries = parseHistory(branch.history ?? '');
  const lines = ancestryKey(branch.history ?? '').split('\n');
  const ends = endsOf(entries);
  const ancestors = entries.map((entry, i): RouteStep => {
    const known = branchByKey(lines.slice(0, i).join('\n'), entry.timeline, branches);
    const from = ends[i - 1] ?? formatLsn(0);
    return {
      timeline: entry.timeline,
      from,
      to: ends[i] ?? entry.switchLsn,
      ...(known === undefined ? {} : { branchId: known.branchId }),
    };
  });
  const from = ends[ends.length - 1] ?? formatLsn(0);
  return [...ancestors, { branchId: branch.branchId, timeline: branch.timeline, from }];
}

/** The branch that is written now, by `owner` when there is one: highest timeline, then the latest. */
export function currentBranch(branches: ReadonlyMap<string, KnownBranch>, owner?: ResourceId): KnownBranch | undefined {
  const isAfter = (a: KnownBranch, b: KnownBranch): boolean =>
    a.timeline === b.timeline ? a.latest > b.latest : a.timeline > b.timeline;
  let current: KnownBranch | undefined;
  for (const branch of branches.values()) {
    if (owner !== undefined && !branch.writers.has(owner)) continue;
    if (current === undefined || isAfter(branch, current)) current = branch;
  }
  return current;
}
