import type { Instant } from '../instant.ts';
import type { CommittedLog, KnownBranch, KnownSegment } from './branches.ts';
import type { LogBranch, LogGap, LogStretch, LogTimeline, RecoveryPoint, RecoveryWindow } from './timeline.ts';
import { compareLsn, formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { branchesOf, currentBranch, forkOf, isBreak, parentOf, routeTo } from './branches.ts';
import { furthestOf } from './furthest.ts';
import { givenUpSets } from './given-up-sets.ts';
import { lostBeforeLeft } from './switches/lost-log.ts';
import { reachOf, windowOf } from './reach.ts';

export type { CommittedLog } from './branches.ts';
export { locate } from './locate.ts';

/** Branches, gap-free stretches, gaps and reachable windows (design §6). Order of the input does not matter. */
export function coverage(log: CommittedLog): LogTimeline {
  const branches = branchesOf(log);
  const all = [...branches.values()].sort((a, b) => a.timeline - b.timeline || (a.latest < b.latest ? -1 : 1));
  const windows = all.flatMap((branch) => windowsOf(branch, log, branches));
  const current = currentBranch(branches, log.owner);
  const ofNow = windowsOfNow(windows, log);
  const ofCurrent = ofNow.filter((window) => window.branchId === current?.branchId);
  return {
    branches: all.map((branch) => describeBranch(branch, branches)),
    windows,
    furthest: furthestOf(ofNow),
    ...(current === undefined ? {} : { currentBranchId: current.branchId }),
    ...extremes(ofCurrent),
  };
}

/** Windows of sets of a time that was given up are shown, but no point is promised by them while a branch has others. */
function windowsOfNow(windows: readonly RecoveryWindow[], log: CommittedLog): readonly RecoveryWindow[] {
  const givenUp = givenUpSets(log);
  if (givenUp.size === 0) return windows;
  const kept = windows.filter(({ setId }) => !givenUp.has(setId));
  const branches = new Set(kept.map(({ branchId }) => branchId));
  return windows.filter((window) => kept.includes(window) || !branches.has(window.branchId));
}

/** A window belongs to a branch when its log gets there, or when the set was made there. */
function windowsOf(
  branch: KnownBranch,
  log: CommittedLog,
  branches: ReadonlyMap<string, KnownBranch>,
): RecoveryWindow[] {
  const route = routeTo(branch, branches);
  return log.sets
    .map((set) => reachOf(set, route, branches))
    .filter((reach) => reach !== undefined)
    .filter(
      (reach) =>
        reach.set.branchId === branch.branchId || reach.segments.some((each) => each.branchId === branch.branchId),
    )
    .map(windowOf)
    .sort((a, b) => compareLsn(a.from.lsn, b.from.lsn));
}

function extremes(
  windows: readonly RecoveryWindow[],
): Pick<LogTimeline, 'earliest' | 'latest' | 'lastCommit' | 'coveredUntil'> {
  const [first] = windows;
  if (first === undefined) return {};
  const latest = windows
    .map((window) => window.to)
    .reduce((a, b): RecoveryPoint => (compareLsn(b.lsn, a.lsn) > 0 ? b : a));
  const commits = windows.flatMap((window) => window.lastCommit ?? []);
  return {
    earliest: first.from,
    latest,
    coveredUntil: latest.at,
    ...(commits.length === 0 ? {} : { lastCommit: commits.reduce(later) }),
  };
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

function describeBranch(branch: KnownBranch, branches: ReadonlyMap<string, KnownBranch>): LogBranch {
  const parent = parentOf(branch, branches);
  const fork = forkOf(branch);
  const runs = contiguousRuns(branch);
  return {
    branchId: branch.branchId,
    timeline: branch.timeline,
    ...(branch.history === undefined ? {} : { history: branch.history }),
    ...(parent === undefined || fork === undefined
      ? {}
      : { parent: { branchId: parent.branchId, forkLsn: formatLsn(fork) } }),
    stretches: runs.map(describeStretch),
    gaps: [...gapsBefore(branch, branches), ...gapsOf(runs)],
  };
}

/** Splits segments in order wherever one does not continue the one before. */
function contiguousRuns({ segments, breaks }: KnownBranch): KnownSegment[][] {
  const runs: KnownSegment[][] = [];
  for (const segment of segments.values()) {
    const run = runs[runs.length - 1];
    const before = run?.[run.length - 1];
    const isContinued = before?.to === segment.from && !isBreak({ breaks }, segment.from, before);
    if (isContinued) run?.push(segment);
    else runs.push([segment]);
  }
  return runs;
}

function describeStretch(run: readonly KnownSegment[]): LogStretch {
  const [first] = run;
  const last = run[run.length - 1];
  const commits = run.flatMap(({ segment }) => segment.maxCommit ?? []);
  const firstCommit = run.find(({ segment }) => segment.firstCommit !== undefined)?.segment.firstCommit;
  return {
    from: formatLsn(first?.from ?? 0),
    to: formatLsn(last?.to ?? 0),
    lastRecord: last?.segment.lastRecord ?? formatLsn(0),
    ...(firstCommit === undefined ? {} : { firstCommit }),
    ...(commits.length === 0 ? {} : { lastCommit: commits.reduce(later) }),
    coveredUntil: run.map((each) => each.coveredUntil).reduce(later),
    segmentCount: run.length,
    restorePoints: run.flatMap(({ segment }) => segment.restorePoints),
  };
}

/**
 * Log that is missing on the way to the first of a branch: its own behind its fork, and that of its ancestors before it, of which the
 * last known end counts. Of an ancestor of which nothing is known nothing can be missed.
 */
function gapsBefore(branch: KnownBranch, branches: ReadonlyMap<string, KnownBranch>): LogGap[] {
  const fork = forkOf(branch);
  const [first] = branch.segments.values();
  if (fork === undefined || first === undefined) return [];
  const lost = lostBeforeLeft(endOfAncestors(branch, first, branches) ?? fork, fork, first.segmentBytes);
  if (lost === undefined && first.from <= fork) return [];
  return [{ from: formatLsn(lost?.from ?? fork), to: formatLsn(first.from > fork ? first.from : (lost?.to ?? fork)) }];
}

/** Behind the last log that is known of the way to a branch, at most where it begins itself. */
function endOfAncestors(
  branch: KnownBranch,
  { segmentBytes }: KnownSegment,
  branches: ReadonlyMap<string, KnownBranch>,
): number | undefined {
  const steps = routeTo(branch, branches).slice(0, -1);
  const ends = steps.flatMap(({ branchId, from, to }) => {
    if (branchId === undefined || to === undefined) return [];
    const [begin, limit] = [floorTo(lsnToNumber(from), segmentBytes), lsnToNumber(to)];
    const known = [...(branches.get(branchId)?.segments.values() ?? [])];
    return known.filter((each) => each.from >= begin && each.from < limit).map((each) => Math.min(each.to, limit));
  });
  return ends.length === 0 ? undefined : ends.reduce((a, b) => Math.max(a, b));
}

const floorTo = (position: number, bytes: number): number => position - (position % bytes);

/** Gaps between stretches. */
function gapsOf(runs: readonly KnownSegment[][]): LogGap[] {
  const stretches = runs.map(describeStretch);
  const gaps: LogGap[] = [];
  stretches.slice(1).forEach((stretch, i) => {
    const before = stretches[i];
    if (before === undefined) return;
    const after = before.lastCommit === undefined ? {} : { after: before.lastCommit };
    gaps.push({
      from: before.to,
      to: stretch.from,
      ...(before.to === stretch.from ? { isBreak: true } : {}),
      ...after,
      ...(stretch.firstCommit === undefined ? {} : { before: stretch.firstCommit }),
    });
  });
  return gaps;
}
