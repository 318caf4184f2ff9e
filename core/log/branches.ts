import type { SetSummary } from '../backup/set-summary.ts';
import type { BatchId, ResourceId } from '../id.ts';
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
  readonly batchId: BatchId;
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
  /** Where log begins that does not continue segments which end there, by the hashes of those; see `isBreak`. */
  readonly breaks: ReadonlyMap<number, ReadonlySet<string>>;
  /** Latest wall time at which anything of it is known. */
  readonly latest: Instant;
  /** Resources that made sets or log on it. */
  readonly writers: ReadonlySet<ResourceId>;
}

type Breaks = Map<number, ReadonlySet<string>>;

interface Conflict {
  readonly kept: KnownSegment;
  readonly beside: KnownSegment;
}

interface Growing {
  readonly branchId: string;
  readonly timeline: number;
  history: string | undefined;
  segments: Map<number, KnownSegment>;
  readonly breaks: Breaks;
  readonly conflicts: Conflict[];
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
      breaks: new Map<number, ReadonlySet<string>>(),
      conflicts: [],
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
    for (const known of knownSegments(batch)) keepBetter(branch, known);
    if (batch.breaksWith !== undefined) addBreak(branch.breaks, lsnToNumber(batch.from), batch.breaksWith);
  }
  for (const batch of log.batches) if (batch.segments.length === 0) extendCover(branches.get(batch.branchId), batch);
  for (const branch of branches.values()) {
    for (const conflict of branch.conflicts) breakBehind(conflict, branch);
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
  const { batchId, branchId, timeline, segmentBytes } = batch;
  const end = lsnToNumber(batch.to);
  return batch.segments.map((segment) => {
    const [from, to] = [lsnToNumber(segment.from), lsnToNumber(segment.to)];
    const coveredUntil = to >= end ? batch.coveredUntil : (segment.maxCommit ?? nothingProven);
    return { batchId, branchId, timeline, segmentBytes, segment, coveredUntil, from, to };
  });
}

/** True at a recorded break: log that begins at a position does not continue the segment that ends there. */
export const isBreak = (
  branch: Pick<KnownBranch, 'breaks'> | undefined,
  from: number,
  before: Pick<KnownSegment, 'to' | 'segment'> | undefined,
): boolean => before?.to === from && branch?.breaks.get(from)?.has(before.segment.rawSha256) === true;

function addBreak(breaks: Breaks, from: number, rawSha256: string): void {
  breaks.set(from, new Set([...(breaks.get(from) ?? []), rawSha256]));
}

/**
 * Two whole segments of one place with other content: two times of the instance, brought together by a copy from pool to pool. What was
 * committed with the second or after it continues that one, so it does not continue the first, which is kept.
 */
function breakBehind({ kept, beside }: Conflict, { segments, breaks }: Growing): void {
  const next = segments.get(kept.to);
  if (next !== undefined && next.batchId >= beside.batchId) addBreak(breaks, kept.to, kept.segment.rawSha256);
}

/** By begin; a segment that proves no time by itself proves what the log right before it does. */
function inOrder({ segments, breaks }: Pick<KnownBranch, 'segments' | 'breaks'>): Map<number, KnownSegment> {
  const ordered = new Map<number, KnownSegment>();
  let before: KnownSegment | undefined;
  for (const known of [...segments.values()].sort((a, b) => a.from - b.from)) {
    const isNext = before?.to === known.from && !isBreak({ breaks }, known.from, before);
    const cover = (isNext ? before?.coveredUntil : undefined) ?? nothingProven;
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

/** An unfinished tail gives way to the same segment with more log; of two that are whole the one that was committed first is kept. */
function keepBetter({ segments, conflicts }: Growing, known: KnownSegment): void {
  const before = segments.get(known.from);
  if (before === undefined || before.to < known.to) segments.set(known.from, known);
  if (before === undefined || before.to !== known.to || before.segment.rawSha256 === known.segment.rawSha256) return;
  const isFirst = known.batchId < before.batchId;
  conflicts.push(isFirst ? { kept: known, beside: before } : { kept: before, beside: known });
  if (isFirst) segments.set(known.from, known);
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
