import type { SetSummary } from '../backup/set-summary.ts';
import type { SetId } from '../id.ts';
import type { RestoreTarget } from '../restore/target.ts';
import type { CommittedLog, KnownBranch } from './branches.ts';
import type { Reach } from './reach.ts';
import type { Stop } from './find-stop.ts';
import type { Located, RecoveryPoint, RecoveryWindow, RoutedSegment, UnreachableReason } from './timeline.ts';
import { compareLsn, formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { branchesOf, currentBranch, routeTo } from './branches.ts';
import { givenUpSets } from './given-up-sets.ts';
import { earliestOf, findStop, pointsNamed } from './find-stop.ts';
import { reachOf, windowOf } from './reach.ts';

/**
 * Whether and how a target can be reached along one branch (`branchId` as in `LogTimeline`, default the owner's current one;
 * for the end of a named set the branch of that set). The set with the highest end LSN that leads there wins. A name that
 * several restore points have is refused.
 */
export function locate(log: CommittedLog, target: RestoreTarget, branchId?: string): Located {
  const givenUp = givenUpSets(log);
  const wanted = target.at === 'immediate' ? target.setId : undefined;
  if (givenUp.size === 0 || wanted !== undefined) return locateFrom(log, target, { branchId, wanted, from: log.sets });
  const ofNow = log.sets.filter(({ setId }) => !givenUp.has(setId));
  const found = locateFrom(log, target, { branchId, wanted, from: ofNow });
  // Only what nothing of the present time leads to is looked for in one that was given up.
  const given = found.isReachable ? found : locateFrom(log, target, { branchId, wanted, from: log.sets });
  return given.isReachable ? given : found;
}

interface Choice {
  readonly branchId: string | undefined;
  readonly wanted: SetId | undefined;
  /** Sets that may be chosen. */
  readonly from: readonly SetSummary[];
}

function locateFrom(log: CommittedLog, target: RestoreTarget, { branchId, wanted, from }: Choice): Located {
  if (log.sets.length === 0) return { isReachable: false, reason: 'no-set' };
  const named = log.sets.find((set) => set.setId === wanted);
  if (wanted !== undefined && named === undefined) return { isReachable: false, reason: 'set-unknown' };
  const branches = branchesOf(log);
  const asked = branchId ?? named?.branchId;
  const branch = asked === undefined ? currentBranch(branches, log.owner) : branches.get(asked);
  if (branch === undefined) return { isReachable: false, reason: asked === undefined ? 'no-set' : 'timeline-unknown' };
  const reaches = candidates(from, branch, branches);
  const usable = wanted === undefined ? reaches : reaches.filter((reach) => reach.set.setId === wanted);
  const way = bestWay(usable, target);
  if (way !== undefined) return reached(way, branch);
  return unreachable(reaches.map(windowOf), target, isBeforeKnownLog(branch, reaches, target));
}

interface Way {
  readonly reach: Reach;
  readonly stop: Stop;
}

type Ambiguous = Extract<Located, { isReachable: false }>;

/**
 * The first way that leads to the target. A transaction is known by ranges only: one from a set that ends before any log
 * that may hold it is certain to meet it, and without such a set the oldest is the best try.
 */
function bestWay(reaches: readonly Reach[], target: RestoreTarget): Way | Ambiguous | undefined {
  const points = target.at === 'name' ? pointsNamed(reaches, target.name) : [];
  if (points.length > 1) return { isReachable: false, reason: 'name-ambiguous', points };
  const ways = reaches.flatMap((reach): Way[] => {
    const stop = findStop(reach, target);
    return stop === undefined ? [] : [{ reach, stop }];
  });
  if (target.at !== 'xid') return ways[0];
  const earliest = earliestOf(reaches, target.xid) ?? 0;
  return ways.find(({ reach }) => lsnToNumber(reach.set.endLsn) <= earliest) ?? ways[ways.length - 1];
}

/** Sets that lie on the way to the branch, highest end first. */
function candidates(
  sets: readonly SetSummary[],
  branch: KnownBranch,
  branches: ReadonlyMap<string, KnownBranch>,
): Reach[] {
  const route = routeTo(branch, branches);
  return sets
    .map((set) => reachOf(set, route, branches))
    .filter((reach) => reach !== undefined)
    .sort((a, b) => compareLsn(b.set.endLsn, a.set.endLsn));
}

function reached(way: Way | Ambiguous, branch: KnownBranch): Located {
  if (!('stop' in way)) return way;
  const { reach, stop } = way;
  const setId: SetId = reach.set.setId;
  const segments = reach.segments
    .slice(0, stop.segmentCount)
    .map((each): RoutedSegment => ({ branchId: each.branchId, timeline: each.timeline, segment: each.segment }));
  const { branchId, timeline } = branch;
  const lsns = { lsn: formatLsn(stop.lsn), mustReach: formatLsn(stop.mustReach) };
  return { isReachable: true, setId, branchId, timeline, ...lsns, setting: stop.setting, segments, route: reach.route };
}

/** True when log of the branch that no set leads to reaches the point: log before it is missing. */
function isBeforeKnownLog(branch: KnownBranch, reaches: readonly Reach[], target: RestoreTarget): boolean {
  const reachedTo = Math.max(...reaches.map((reach) => reach.to));
  return [...branch.segments.values()].some(({ from, to, coveredUntil }) => {
    if (from < reachedTo) return false;
    return target.at === 'lsn' ? to > lsnToNumber(target.lsn) : target.at === 'time' && coveredUntil >= target.time;
  });
}

function unreachable(windows: readonly RecoveryWindow[], target: RestoreTarget, hasLogBehind: boolean): Located {
  if (windows.length === 0) return { isReachable: false, reason: 'no-set' };
  if (target.at === 'name') return { isReachable: false, reason: 'name-unknown' };
  if (target.at === 'xid') return { isReachable: false, reason: 'xid-unknown', ...ends(windows) };
  const order = orderFor(target);
  const befores = windows.map((window) => window.to).filter((point) => order(point) < 0);
  const afters = windows.map((window) => window.from).filter((point) => order(point) > 0);
  const before = befores.sort((a, b) => compareLsn(b.lsn, a.lsn))[0];
  const after = afters.sort((a, b) => compareLsn(a.lsn, b.lsn))[0];
  const behind = hasLogBehind || after !== undefined ? 'in-gap' : 'after-latest';
  const reason: UnreachableReason = before === undefined ? 'before-first-set' : behind;
  return {
    isReachable: false,
    reason,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

/** The first and the last point that can be reached. */
function ends(windows: readonly RecoveryWindow[]): { readonly before?: RecoveryPoint; readonly after?: RecoveryPoint } {
  const [after] = windows.map((window) => window.from).sort((a, b) => compareLsn(a.lsn, b.lsn));
  const [before] = windows.map((window) => window.to).sort((a, b) => compareLsn(b.lsn, a.lsn));
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** Negative for points before the target, positive for points after it. */
function orderFor(target: RestoreTarget): (point: RecoveryPoint) => number {
  if (target.at === 'lsn') return (point) => compareLsn(point.lsn, target.lsn);
  if (target.at === 'time') return (point) => (point.at < target.time ? -1 : point.at > target.time ? 1 : 0);
  return () => 0;
}
