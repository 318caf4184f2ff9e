import type { RestoreTarget } from '../restore/target.ts';
import type { KnownSegment } from './branches.ts';
import type { Reach } from './reach.ts';
import type { RecoveryPoint } from './timeline.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';

/** Where recovery from one set stops for a target. */
export interface Stop {
  /** Earliest position at which it can stop. */
  readonly lsn: number;
  readonly setting: RestoreTarget;
  readonly mustReach: number;
  /** How many segments of the reach it takes. */
  readonly segmentCount: number;
}

/** Undefined when the target cannot be reached from this set. */
export function findStop(reach: Reach, target: RestoreTarget): Stop | undefined {
  switch (target.at) {
    case 'latest':
      return stopAtEnd(reach);
    case 'immediate':
      return stopAtSet(reach);
    case 'lsn':
      return stopAtLsn(reach, target);
    case 'time':
      return stopAtTime(reach, target);
    case 'name':
      return stopAtName(reach, target.name);
    case 'xid':
      return stopAtXid(reach, target);
  }
}

/** Backup state. The server stops as soon as the end of the set is replayed; a non-consistent set needs its log from the pool. */
function stopAtSet(reach: Reach): Stop {
  const lsn = lsnToNumber(reach.set.endLsn);
  const segmentCount = reach.set.isConsistent ? 0 : 1 + reach.segments.findIndex((each) => each.to >= lsn);
  return { lsn, setting: { at: 'immediate', setId: reach.set.setId }, mustReach: lsn, segmentCount };
}

/** Everything there is, as an explicit LSN: without one a missing segment would pass unseen (engine.md §I). */
function stopAtEnd(reach: Reach): Stop {
  if (reach.lastRecord === undefined) return stopAtSet(reach);
  const lsn = reach.lastRecord;
  const setting = { at: 'lsn', lsn: formatLsn(lsn), isInclusive: true } as const;
  return { lsn, setting, mustReach: lsn, segmentCount: reach.segments.length };
}

/** The server stops at the first record that begins at or after the target: there must be one. */
function stopAtLsn(reach: Reach, target: Extract<RestoreTarget, { at: 'lsn' }>): Stop | undefined {
  const lsn = lsnToNumber(target.lsn);
  if (lsn < lsnToNumber(reach.set.endLsn) || lsn > reach.to) return undefined;
  const index = reach.segments.findIndex((each) => lsnToNumber(each.segment.lastRecord) >= lsn);
  if (index < 0) return stopAtEnd(reach);
  const mustReach = target.isInclusive ? lsn : knownBefore(reach, lsn);
  return { lsn, setting: target, mustReach, segmentCount: index + 1 };
}

/**
 * The server stops before the first commit or abort later than the target (at or later, when exclusive). That place
 * must lie behind the end of the set. Clocks decide only where the log of the set itself is not in the pool.
 */
function stopAtTime(reach: Reach, target: Extract<RestoreTarget, { at: 'time' }>): Stop | undefined {
  const { set } = reach;
  const isAfterSet = target.time >= set.endedAt;
  if (target.time < set.beganAt || (!reach.isOwnLogKnown && !isAfterSet)) return undefined;
  const end = lsnToNumber(set.endLsn);
  const isLater = (at: string): boolean => (target.isInclusive ? at > target.time : at >= target.time);
  if (!isAfterSet && firstMark(reach.own, isLater, end) !== undefined) return undefined;
  const found = firstMark(reach.segments, isLater);
  if (found === undefined) return target.time <= reach.coveredUntil ? stopAtEnd(reach) : undefined;
  const lsn = Math.max(found.lsn, end);
  return { lsn, setting: target, mustReach: knownBefore(reach, lsn), segmentCount: found.index + 1 };
}

/** First time mark for which `isLater` holds, when it lies before `to`. */
function firstMark(
  segments: readonly KnownSegment[],
  isLater: (at: string) => boolean,
  to = Infinity,
): { readonly lsn: number; readonly index: number } | undefined {
  for (const [index, { segment }] of segments.entries()) {
    const mark = (segment.marks ?? []).find((each) => isLater(each.at));
    if (mark !== undefined) return lsnToNumber(mark.lsn) < to ? { lsn: lsnToNumber(mark.lsn), index } : undefined;
  }
  return undefined;
}

/** The highest position before `lsn` at which a record is known to begin, at least the end of the set. */
function knownBefore(reach: Reach, lsn: number): number {
  let best = lsnToNumber(reach.set.endLsn);
  for (const { segment } of reach.segments) {
    const known = [...(segment.marks ?? []).map((mark) => mark.lsn), segment.lastRecord].map(lsnToNumber);
    for (const each of known) if (each < lsn && each > best) best = each;
  }
  return best;
}

/** Restore points of one name that any of these ways leads to, by LSN: the server stops at the first behind its set. */
export function pointsNamed(reaches: readonly Reach[], name: string): readonly RecoveryPoint[] {
  const found = new Map<number, RecoveryPoint>();
  for (const { set, segments } of reaches)
    for (const point of segments.flatMap(({ segment }) => segment.restorePoints)) {
      const lsn = lsnToNumber(point.lsn);
      if (point.name === name && lsn >= lsnToNumber(set.endLsn)) found.set(lsn, { lsn: point.lsn, at: point.at });
    }
  return [...found].sort(([a], [b]) => a - b).map(([, point]) => point);
}

function stopAtName(reach: Reach, name: string): Stop | undefined {
  const end = lsnToNumber(reach.set.endLsn);
  for (const [index, { segment }] of reach.segments.entries()) {
    const point = segment.restorePoints.find((each) => each.name === name && lsnToNumber(each.lsn) >= end);
    if (point !== undefined) {
      const lsn = lsnToNumber(point.lsn);
      return { lsn, setting: { at: 'name', name }, mustReach: lsn, segmentCount: index + 1 };
    }
  }
  return undefined;
}

const transactionOf = (xid: string): number | undefined =>
  /^\d{1,20}$/.test(xid) ? Number(BigInt(xid) & 0xffffffffn) : undefined;

const canHold =
  (xid: number) =>
  ({ segment: { xids } }: KnownSegment): boolean =>
    xids !== undefined && Number(xids.lowest) <= xid && xid <= Number(xids.highest);

/**
 * The earliest position at which a transaction may have ended, by the ranges of the segments: from a set that ends behind
 * it, recovery may never meet the transaction. Undefined when no segment may hold it.
 */
export function earliestOf(reaches: readonly Reach[], xidText: string): number | undefined {
  const xid = transactionOf(xidText);
  if (xid === undefined) return undefined;
  const holders = reaches.flatMap(({ own, segments }) => [...own, ...segments]).filter(canHold(xid));
  return holders.length === 0 ? undefined : Math.min(...holders.map(({ from }) => from));
}

/** Transactions are known by range per segment: the log up to the last segment that may hold it is taken along. */
function stopAtXid(reach: Reach, target: Extract<RestoreTarget, { at: 'xid' }>): Stop | undefined {
  const xid = transactionOf(target.xid);
  if (xid === undefined) return undefined;
  const isHolder = canHold(xid);
  const first = reach.segments.findIndex(isHolder);
  const found = reach.segments[first];
  if (found === undefined) return undefined;
  const last = reach.segments.reduce((best, each, i) => (isHolder(each) ? i : best), first);
  const lsn = Math.max(found.from, lsnToNumber(reach.set.endLsn));
  return { lsn, setting: { ...target, xid: String(xid) }, mustReach: knownBefore(reach, lsn), segmentCount: last + 1 };
}
