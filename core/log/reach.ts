import type { SetSummary } from '../backup/set-summary.ts';
import type { Instant } from '../instant.ts';
import { isBreak } from './branches.ts';
import { segmentStart } from '../wal/segment-name.ts';
import type { KnownBranch, KnownSegment } from './branches.ts';
import type { RecoveryWindow, RouteStep } from './timeline.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';

/** What the log of one route gives to one set. */
export interface Reach {
  readonly set: SetSummary;
  readonly route: readonly RouteStep[];
  /** The log without a gap, oldest first, from the segment that holds the end of the set (of a non-consistent set: its begin). */
  readonly segments: readonly KnownSegment[];
  /** Segments from the begin of the set to its end, where the pool has them; the set itself holds this log too. */
  readonly own: readonly KnownSegment[];
  /** True when the pool's own log covers the whole set. */
  readonly isOwnLogKnown: boolean;
  /** Position behind the last known byte; the end of the set when no log follows. */
  readonly to: number;
  /** Begin of the last record at or after the end of the set; undefined when no log follows. */
  readonly lastRecord?: number;
  readonly coveredUntil: Instant;
}

const floorTo = (position: number, bytes: number): number => position - (position % bytes);

/** Follows a route from the end of a set as far as there is log; undefined when the set cannot be used on this route. */
export function reachOf(
  set: SetSummary,
  route: readonly RouteStep[],
  branches: ReadonlyMap<string, KnownBranch>,
): Reach | undefined {
  const first = route.findIndex((step) => step.branchId === set.branchId);
  const step = route[first];
  const end = lsnToNumber(set.endLsn);
  if (step === undefined || (step.to !== undefined && end > lsnToNumber(step.to))) return undefined;
  return reachAlong(set, { route, steps: route.slice(first), branches });
}

interface Known {
  readonly route: readonly RouteStep[];
  /** The route from the branch of the set on. */
  readonly steps: readonly RouteStep[];
  readonly branches: ReadonlyMap<string, KnownBranch>;
}

function reachAlong(set: SetSummary, { route, steps, branches }: Known): Reach | undefined {
  const bytes = set.segmentBytes;
  const end = lsnToNumber(set.endLsn);
  const begin = floorTo(lsnToNumber(set.beginLsn), bytes);
  const ending = endOf(set);
  const own = follow({ steps, branches, bytes, from: begin, until: end, ending }).segments;
  const isOwnLogKnown = (own[own.length - 1]?.to ?? -1) >= end;
  if (!set.isConsistent && !isOwnLogKnown) return undefined;
  // Archive recovery refuses to begin with log of wal_level = minimal: nothing leads on from there.
  if (set.offline?.isLogMinimal === true) return { set, route, own, isOwnLogKnown, ...conclude(set, []) };
  const from = set.isConsistent ? floorTo(end, bytes) : begin;
  const followed = follow({ steps, branches, bytes, from, ending, canSkipEnd: set.isConsistent });
  return { set, route, own, isOwnLogKnown, ...conclude(set, followed.segments) };
}

function conclude(
  set: SetSummary,
  segments: readonly KnownSegment[],
): Pick<Reach, 'segments' | 'to' | 'coveredUntil' | 'lastRecord'> {
  const end = lsnToNumber(set.endLsn);
  const last = segments[segments.length - 1];
  const lastRecord = last === undefined ? -1 : lsnToNumber(last.segment.lastRecord);
  const isBehind = last !== undefined && lastRecord >= end;
  if (!isBehind)
    return { segments: last !== undefined && last.to >= end ? segments : [], to: end, coveredUntil: set.endedAt };
  const coveredUntil = last.coveredUntil > set.endedAt ? last.coveredUntil : set.endedAt;
  return { segments, to: last.to, lastRecord, coveredUntil };
}

interface Way {
  readonly steps: readonly RouteStep[];
  readonly branches: ReadonlyMap<string, KnownBranch>;
  readonly bytes: number;
  readonly from: number;
  /** Stop behind this position. */
  readonly until?: number;
  readonly ending: EndOfSet;
  /** The last segment of the set may be missing: the set holds it itself, as log of its own branch only. */
  readonly canSkipEnd?: boolean;
}

/** The last segment of a set, as its instance had it. */
interface EndOfSet {
  readonly position: number;
  readonly branchId: string;
  readonly sha256: string | undefined;
}

/** By the name: a set whose log ends on a border holds nothing of the segment behind it. */
const endOf = ({ endSegment, segmentBytes, branchId, endSegmentSha256: sha256 }: SetSummary): EndOfSet => ({
  position: lsnToNumber(segmentStart(endSegment, segmentBytes)),
  branchId,
  sha256,
});

/** Each segment comes from the branch that owns it: from the segment of a fork on, the file of the child counts. */
function follow(way: Way): { readonly segments: readonly KnownSegment[] } {
  const segments: KnownSegment[] = [];
  let position = way.from;
  for (const step of way.steps) {
    const limit = Math.min(
      step.to === undefined ? Infinity : floorTo(lsnToNumber(step.to), way.bytes),
      way.until ?? Infinity,
    );
    for (; position < limit; position += way.bytes) {
      const branch = step.branchId === undefined ? undefined : way.branches.get(step.branchId);
      if (!follows(way, { position, branch }, segments)) return { segments };
    }
  }
  return { segments };
}

interface Place {
  readonly position: number;
  readonly branch: KnownBranch | undefined;
}

/** Adds the segment of a place, when there is one; false when the way ends there. */
function follows(way: Way, place: Place, segments: KnownSegment[]): boolean {
  const { position, branch } = place;
  if (isBrokenAt(place, segments)) return false;
  const found = branch?.segments.get(position);
  if (found === undefined) return canSkip(way, place);
  // What follows in the pool need not be of the time of the set either, also behind a break: a state may be put back twice.
  if (isOfAnotherTime(way, found)) return false;
  segments.push(found);
  return isWhole(found, way.bytes);
}

const canSkip = ({ ending, canSkipEnd = false, branches }: Way, { position, branch }: Place): boolean =>
  canSkipEnd && position === ending.position && branch === branches.get(ending.branchId);

/** A break counts for who comes over it, not for a set that begins behind it. */
const isBrokenAt = ({ position, branch }: Place, way: readonly KnownSegment[]): boolean =>
  isBreak(branch, position, way[way.length - 1]);

/** Whether a branch has other log than a set where that ends: an earlier state of the instance was put back before or after it. */
export function hasOtherLog(branch: KnownBranch | undefined, set: SetSummary): boolean {
  const ending = endOf(set);
  const known = branch?.segments.get(ending.position);
  return (
    known !== undefined &&
    isWhole(known, set.segmentBytes) &&
    isOfAnotherTime({ ending, bytes: set.segmentBytes }, known)
  );
}

/** A tail cannot be compared; the whole segment follows at once, because the end of a backup closes it. */
const isOfAnotherTime = ({ ending, bytes }: Pick<Way, 'ending' | 'bytes'>, known: KnownSegment): boolean =>
  ending.sha256 !== undefined &&
  known.from === ending.position &&
  known.branchId === ending.branchId &&
  (!isWhole(known, bytes) || known.segment.rawSha256 !== ending.sha256);

const isWhole = (known: KnownSegment, bytes: number): boolean => known.to >= known.from + bytes;

/** The window of a reach, named after the branch that it ends on. */
export function windowOf(reach: Reach): RecoveryWindow {
  const { set, coveredUntil } = reach;
  const last = reach.route[reach.route.length - 1];
  let lastCommit: Instant | undefined;
  for (const { segment } of reach.segments) {
    if (segment.maxCommit !== undefined && (lastCommit === undefined || segment.maxCommit > lastCommit))
      lastCommit = segment.maxCommit;
  }
  return {
    setId: set.setId,
    branchId: last?.branchId ?? set.branchId,
    timeline: last?.timeline ?? set.timeline,
    from: { lsn: set.endLsn, at: set.endedAt },
    to: { lsn: reach.lastRecord === undefined ? set.endLsn : formatLsn(reach.lastRecord), at: coveredUntil },
    ...(lastCommit === undefined ? {} : { lastCommit }),
  };
}
