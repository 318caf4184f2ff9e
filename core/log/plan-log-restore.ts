import type { SetId } from '../id.ts';
import type { CommittedLog, KnownBranch, KnownSegment } from './branches.ts';
import type { LogBound, LogRestorePlan, MissingLog, PlannedLog } from './log-restore-plan.ts';
import type { RouteStep } from './timeline.ts';
import { fail } from '../errors/fail.ts';
import { logSegmentKey } from '../format/object-key.ts';
import type { Lsn } from '../wal/lsn.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { branchesOf, currentBranch, isBreak, routeTo } from './branches.ts';
import { knownHistories } from './known-histories.ts';
import { hasOtherLog } from './reach.ts';

export interface LogRestoreRequest {
  readonly log: CommittedLog;
  readonly resource: { readonly id: LogRestorePlan['resourceId']; readonly name: string; readonly engine: string };
  /** Absent: the log that a restore of `setId` begins with. */
  readonly from?: LogBound | undefined;
  readonly setId?: SetId | undefined;
  /** Absent: to the end of the log. */
  readonly to?: LogBound | undefined;
  /** Absent: the branch that is written now. */
  readonly timeline?: number | undefined;
}

/**
 * Chooses the segments of a range of time or positions, along the way to one branch, and says what of the range is missing
 * (K-091, K-103). Times of commits are not in order and a segment without one has no time of its own, so the range is taken
 * wide: a segment that may hold log of it belongs to it. Throws `log_range_open`, `log_range_reversed`, `log_range_empty`,
 * `timeline_unknown`, `restore_set_unknown`, `log_set_elsewhere`.
 */
export function planLogRestore(request: LogRestoreRequest): LogRestorePlan {
  const branches = branchesOf(request.log);
  const branch = branchOf(request, branches);
  const route = routeTo(branch, branches);
  const from = beginOf(request, route);
  demandOrder(from, request.to);
  const way = segmentsAlong(route, branches);
  const chosen = way.slice(firstOf(way, from), lastOf(way, request.to) + 1);
  const [first] = chosen;
  if (first === undefined || isBehind(chosen, from))
    throw fail('log_range_empty', { resource: request.resource.name, known: knownText(way) });
  const { systemId } = systemOf(request.log);
  const { id: resourceId, engine } = request.resource;
  const segments = chosen.map((one) => planned(one, systemId));
  return {
    ...{ resourceId, systemId, engine, segmentBytes: first.segmentBytes },
    ...{ branchId: branch.branchId, timeline: branch.timeline, from },
    ...(request.to === undefined ? {} : { to: request.to }),
    segments,
    histories: knownHistories([...branches.values()], route),
    gaps: [
      ...missingBefore(way, from),
      ...otherThanSet(request, chosen, branches),
      ...missingBetween(chosen, branches),
      ...missingAfter(way, request.to),
    ],
    rawBytes: segments.length * first.segmentBytes,
    fetchBytes: chosen.reduce((sum, { segment }) => sum + segment.storedBytes, 0),
  };
}

function branchOf({ log, timeline, resource }: LogRestoreRequest, branches: ReadonlyMap<string, KnownBranch>) {
  const all = [...branches.values()].filter(({ segments }) => segments.size > 0);
  if (timeline === undefined) {
    const current = currentBranch(new Map(all.map((one) => [one.branchId, one])), log.owner) ?? currentBranch(branches);
    if (current !== undefined) return current;
    throw fail('log_range_empty', { resource: resource.name, known: 'none' });
  }
  const numbered = new Map(all.filter((one) => one.timeline === timeline).map((one) => [one.branchId, one]));
  const found = currentBranch(numbered, log.owner) ?? currentBranch(numbered);
  if (found !== undefined) return found;
  const known = [...new Set(all.map((one) => String(one.timeline)))].join(', ') || 'none';
  throw fail('timeline_unknown', { timeline: String(timeline), resource: resource.name, known });
}

function beginOf({ from, setId, log, resource }: LogRestoreRequest, route: readonly RouteStep[]): LogBound {
  if (setId === undefined) {
    if (from === undefined) throw fail('log_range_open', { resource: resource.name });
    return from;
  }
  const set = log.sets.find((one) => one.setId === setId);
  if (set === undefined) throw fail('restore_set_unknown', { setId, resource: resource.name });
  if (!route.some((step) => step.branchId === set.branchId)) {
    const timeline = route[route.length - 1]?.timeline ?? set.timeline;
    throw fail('log_set_elsewhere', { set: setId, timeline: String(set.timeline), asked: String(timeline) });
  }
  return from ?? { at: 'lsn', lsn: set.beginLsn };
}

function demandOrder(from: LogBound, to: LogBound | undefined): void {
  const isReversed =
    (from.at === 'time' && to?.at === 'time' && from.time > to.time) ||
    (from.at === 'lsn' && to?.at === 'lsn' && lsnToNumber(from.lsn) > lsnToNumber(to.lsn));
  if (isReversed) throw fail('log_range_reversed', { from: boundText(from), to: boundText(to) });
}

const boundText = (bound: LogBound | undefined): string => {
  if (bound === undefined) return 'the end of the log';
  return bound.at === 'time' ? bound.time : `LSN ${bound.lsn}`;
};

const systemOf = ({ batches, sets }: CommittedLog): { readonly systemId: string } =>
  batches[0] ?? sets[0] ?? { systemId: '' };

/** Each segment comes from the branch that owns it: from the segment of a fork on, the file of the child counts. */
function segmentsAlong(route: readonly RouteStep[], branches: ReadonlyMap<string, KnownBranch>): KnownSegment[] {
  return route.flatMap(({ branchId, from, to }) => {
    const segments = branchId === undefined ? [] : [...(branches.get(branchId)?.segments.values() ?? [])];
    const end = to === undefined ? Infinity : lsnToNumber(to);
    const begin = lsnToNumber(from);
    return segments.filter((one) => {
      const isBehindFork = one.from + one.segmentBytes > begin;
      return isBehindFork && one.from < end - (end === Infinity ? 0 : end % one.segmentBytes);
    });
  });
}

/** The last segment behind which all that is earlier than the bound lies: it may still hold the first log of the range. */
function firstOf(way: readonly KnownSegment[], from: LogBound): number {
  if (from.at === 'lsn') {
    const position = lsnToNumber(from.lsn);
    const at = way.findIndex((one) => one.from + one.segmentBytes > position);
    return at < 0 ? way.length : at;
  }
  const { time } = from;
  const at = way.findIndex(({ segment: { maxCommit } }) => maxCommit !== undefined && maxCommit >= time);
  const firstCommit = way[at]?.segment.firstCommit;
  if (firstCommit !== undefined && firstCommit < time) return at;
  const before = lastWhere(at < 0 ? way : way.slice(0, at), ({ segment }) => segment.maxCommit !== undefined);
  return Math.max(before, 0);
}

/** Index of the last segment of which something is true; -1 when it is true of none. */
const lastWhere = (way: readonly KnownSegment[], isSo: (one: KnownSegment) => boolean): number =>
  way.reduce((found, one, at) => (isSo(one) ? at : found), -1);

/** The last segment that may hold log of the range; commits of a segment may be out of order, so a later one can be meant. */
function lastOf(way: readonly KnownSegment[], to: LogBound | undefined): number {
  if (to === undefined) return way.length - 1;
  if (to.at === 'lsn') return lastWhere(way, (one) => one.from <= lsnToNumber(to.lsn));
  const { time } = to;
  const isInside = ({ segment: { firstCommit, lastCommit } }: KnownSegment): boolean =>
    (firstCommit !== undefined && firstCommit <= time) || (lastCommit !== undefined && lastCommit <= time);
  const inside = lastWhere(way, isInside);
  const behind = way.findIndex((one, i) => i > inside && one.segment.firstCommit !== undefined);
  return behind < 0 ? way.length - 1 : behind;
}

/** Both ends are taken wide; a range that begins behind all log is still none of it. */
function isBehind(chosen: readonly KnownSegment[], from: LogBound): boolean {
  const last = chosen[chosen.length - 1];
  if (last === undefined) return true;
  return from.at === 'time' ? last.coveredUntil < from.time : lsnToNumber(from.lsn) >= last.to;
}

const planned = ({ branchId, timeline, segment }: KnownSegment, systemId: string): PlannedLog => ({
  ...{ name: segment.name, branchId, timeline, object: logSegmentKey(systemId, branchId, segment.object) },
  ...{ rawSha256: segment.rawSha256, storedSha256: segment.storedSha256, from: segment.from, to: segment.to },
});

function missingBefore([first]: readonly KnownSegment[], from: LogBound): MissingLog[] {
  if (first === undefined) return [];
  const { segment } = first;
  const isMissing =
    from.at === 'lsn'
      ? lsnToNumber(from.lsn) < first.from
      : segment.firstCommit !== undefined && from.time < segment.firstCommit;
  if (!isMissing) return [];
  const since = segment.firstCommit === undefined ? '' : ` (first commit ${segment.firstCommit})`;
  const to = segment.from;
  return [{ ...(from.at === 'lsn' ? { from: from.lsn } : {}), to, what: `no log before ${to}${since} is in the pool` }];
}

function missingBetween(chosen: readonly KnownSegment[], branches: ReadonlyMap<string, KnownBranch>): MissingLog[] {
  return chosen.slice(1).flatMap((next, i): MissingLog[] => {
    const before = chosen[i];
    if (isBreak(branches.get(next.branchId), next.from, before)) return [brokenAt(next.segment.from)];
    if (before === undefined || before.to >= next.from) return [];
    const [from, to] = [formatLsn(before.to), formatLsn(next.from)];
    const commits = [before.segment.maxCommit, next.segment.firstCommit];
    const [after = 'unknown', until = 'unknown'] = commits;
    return [{ from, to, what: `log from ${from} to ${to} is missing (commits around it: ${after}, ${until})` }];
  });
}

const brokenAt = (from: Lsn): MissingLog => ({
  ...{ from, to: from },
  what: `log from ${from} on is of another time than the log before it: recovery cannot go from one to the other`,
});

/** Log that must not be put behind the set that was named: it is of another time than what that ends in (docs/format.md §5). */
function otherThanSet(
  { log, setId }: LogRestoreRequest,
  chosen: readonly KnownSegment[],
  branches: ReadonlyMap<string, KnownBranch>,
): MissingLog[] {
  const set = log.sets.find((one) => one.setId === setId);
  if (set === undefined || !hasOtherLog(branches.get(set.branchId), set)) return [];
  const at = chosen.find(({ branchId, segment }) => branchId === set.branchId && segment.name === set.endSegment);
  if (at === undefined) return [];
  const { from } = at.segment;
  const what = `log from ${from} on is of another time than ${set.setId}, which ends in it: recovery from that set must not use this log`;
  return [{ from, to: from, what }];
}

function missingAfter(way: readonly KnownSegment[], to: LogBound | undefined): MissingLog[] {
  const last = way[way.length - 1];
  if (last === undefined || to === undefined) return [];
  const isMissing = to.at === 'lsn' ? lsnToNumber(to.lsn) > last.to : to.time > last.coveredUntil;
  if (!isMissing) return [];
  const from = formatLsn(last.to);
  return [{ from, what: `log behind ${from} (covered until ${last.coveredUntil}) is not in the pool` }];
}

function knownText(way: readonly KnownSegment[]): string {
  const [first] = way;
  const last = way[way.length - 1];
  if (first === undefined || last === undefined) return 'none';
  const since = first.segment.firstCommit === undefined ? '' : ` (first commit ${first.segment.firstCommit})`;
  return `${first.segment.from}${since} to ${last.segment.to} (covered until ${last.coveredUntil})`;
}
