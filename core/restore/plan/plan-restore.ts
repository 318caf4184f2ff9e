import { byId, chainOf } from '#core/backup/chain.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { logSegmentKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { branchesOf } from '#core/log/branches.ts';
import { coverage } from '#core/log/coverage.ts';
import type { CommittedLog } from '#core/log/coverage.ts';
import type { LogTimeline, RoutedSegment } from '#core/log/timeline.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { chosenSet, demandNotWorse, isBrokenTaken, refuse, withBrokenChain, withoutUnusable } from './excluded-sets.ts';
import type { PlannedSegment, PlannedSet, RestorePlan } from './plan.ts';
import { checkPlace, placeTablespaces } from '#core/restore/place.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { enteredTime } from './entered-time.ts';
import { givenUpTime } from './given-up-time.ts';
import { historiesFor } from './histories.ts';
import { logBehind } from './log-behind.ts';
import { stepsOf } from './steps.ts';
import type { Reached } from '#core/restore/recovery/stop-branch.ts';
import { stopOnOwner } from '#core/restore/recovery/stop-branch.ts';
import { locateOnWay } from './before-fork.ts';
import { checkWays } from './check-ways.ts';
import type { RestoreWays } from './ways.ts';
import { youngerBranch } from './younger-branch.ts';

/**
 * Plans a restore without touching anything (design §7): the set by its end LSN with the chain it builds on, every
 * segment by the history files, a numeric timeline and an explicit stop. Throws a registered error with the nearest
 * reachable points for every point that cannot be reached, `restore_set_unusable`, `set_log_missing`, `consent_mismatch`,
 * `tablespace_unmapped`, `target_path_bad`, `target_unproven`.
 */
export function planRestore(asked: RestoreRequest): RestorePlan {
  checkPlace(asked);
  checkWays(asked);
  // A set whose damage is accepted was named: which sets are good decides nothing any more.
  const isDamageAccepted = asked.ways?.damageConsent !== undefined;
  const request = isDamageAccepted ? withBrokenChain(asked) : withoutUnusable(asked);
  const timeline = coverage(request.log);
  const branchId = request.timeline === undefined ? undefined : branchOf(request, timeline, request.timeline);
  const log = onlyChosenSet(request);
  const found = locateOnWay(log, request.target, branchId);
  if (!found.isReachable) throw refuse(request, { found, timeline, branchId });
  demandNotWorse(request, { found, timeline, branchId });
  const located = stopOnOwner(found, request.log);
  const set = setOf(request, located.setId);
  checkProven(request, set);
  const tablespaceMap = placeTablespaces(request, set);
  const plan = {
    setId: set.setId,
    systemId: set.systemId,
    serverMajor: Math.floor(set.serverVersion / 10000),
    engine: set.engine,
    segmentBytes: set.segmentBytes,
    asked: request.target,
    setting: located.setting,
    timeline: stopTimeline(located, set),
    mustReach: compareLsn(located.mustReach, set.endLsn) > 0 ? located.mustReach : set.endLsn,
    segments: located.segments.map((one) => planned(one, set.systemId)),
    histories: historiesFor(request.ways, timeline, located),
    place: request.place,
    tablespaceMap,
    isOpenedAfter: request.isOpenedAfter,
    ...(request.configFile === undefined ? {} : { configFile: request.configFile }),
    ...(set.offline === undefined ? {} : { offline: set.offline }),
    ...(isUsual(request.ways) ? {} : { ways: request.ways }),
    ...toldOf(ownedAs(request, log), located, set),
    rawBytes: set.rawBytes + located.segments.length * set.segmentBytes,
    ...readOf(request, set, located),
  };
  return { ...plan, steps: stepsOf(plan, set) };
}

/** What the operator is warned of. */
function toldOf(
  request: RestoreRequest,
  located: Reached,
  set: SetSummary,
): Pick<RestorePlan, 'givesUp' | 'leavesYounger' | 'leavesGivenUp' | 'entersGivenUp'> {
  const givesUp = logBehind(request, located, set);
  const leavesYounger = youngerBranch(request, located);
  const entersGivenUp = enteredTime(request, located, set);
  // A plan that is of such a time itself leaves none out.
  const leavesGivenUp = entersGivenUp === undefined ? givenUpTime(request, set) : undefined;
  return {
    ...(givesUp === undefined ? {} : { givesUp }),
    ...(leavesYounger === undefined ? {} : { leavesYounger }),
    ...(leavesGivenUp === undefined ? {} : { leavesGivenUp }),
    ...(entersGivenUp === undefined ? {} : { entersGivenUp }),
  };
}

const isUsual = (ways: RestoreWays | undefined): ways is undefined =>
  ways === undefined || Object.values(ways).every((value) => value === undefined);

/** What is read from the pool: the chain of the set, and the log. */
function readOf(
  { log, ways }: RestoreRequest,
  set: SetSummary,
  { segments }: Reached,
): Pick<RestorePlan, 'chain' | 'fetchBytes'> {
  const chain = chainOf(set, byId([...log.sets, ...(log.unusable ?? [])]));
  if (!chain.isComplete && !isBrokenTaken(ways))
    throw bug(`set ${set.setId} was chosen although its base ${chain.missing} is not there`);
  const sets = chain.isComplete ? chain.sets : [set];
  const logBytes = segments.reduce((sum, { segment }) => sum + segment.storedBytes, 0);
  return {
    chain: sets.map(({ setId, type, storedBytes }): PlannedSet => ({ setId, type, storedBytes })),
    fetchBytes: sets.reduce((sum, { storedBytes }) => sum + storedBytes, logBytes),
  };
}

function onlyChosenSet(request: RestoreRequest): CommittedLog {
  const wanted = chosenSet(request);
  if (wanted === undefined) return request.log;
  const set = setOf(request, wanted);
  // A set that was named decides whose branches count: it may be that of another instance of the same origin.
  const isForeign = request.log.owner !== undefined && set.resourceId !== request.log.owner;
  return { ...request.log, sets: [set], ...(isForeign ? { owner: set.resourceId } : {}) };
}

/** All that is known, in the name of whose branches count. */
const ownedAs = (request: RestoreRequest, { owner }: CommittedLog): RestoreRequest =>
  owner === undefined ? request : { ...request, log: { ...request.log, owner } };

function setOf(request: RestoreRequest, setId: SetId): SetSummary {
  const set = request.log.sets.find((one) => one.setId === setId);
  if (set === undefined) throw fail('restore_set_unknown', { setId, resource: request.resourceName });
  return set;
}

/** Two branches may carry one number (timeline numbers are no key): the one with the furthest log is meant. */
function branchOf(request: RestoreRequest, timeline: LogTimeline, wanted: number): string {
  const known = timeline.branches.filter((branch) => branch.timeline === wanted);
  const current = known.find((branch) => branch.branchId === timeline.currentBranchId);
  const { owner } = request.log;
  const branches = branchesOf(request.log);
  const own = known.filter(
    ({ branchId }) => owner !== undefined && branches.get(branchId)?.writers.has(owner) === true,
  );
  const chosen = current ?? own.slice(-1)[0] ?? known.slice(-1)[0];
  if (chosen !== undefined) return chosen.branchId;
  const numbers = [...new Set(timeline.branches.map((branch) => String(branch.timeline)))];
  throw fail('timeline_unknown', {
    timeline: String(wanted),
    resource: request.resourceName,
    known: numbers.join(', ') || 'none',
  });
}

/**
 * PostgreSQL ≤ 12 opens the database at the end of the log when a target is missing (engine.md §D): only targets
 * whose place our log proves are planned there. A transaction is known by range only.
 */
function checkProven(request: RestoreRequest, set: SetSummary): void {
  const major = Math.floor(set.serverVersion / 10000);
  if (major > 12 || request.target.at !== 'xid') return;
  throw fail('target_unproven', { major: String(major), point: `transaction ${request.target.xid}` });
}

/** The timeline on which recovery stops (`stopOnOwner`), not that of the branch that was asked for. */
const stopTimeline = (located: Reached, set: SetSummary): number =>
  located.segments.slice(-1)[0]?.timeline ?? set.timeline;

const planned = ({ branchId, segment }: RoutedSegment, systemId: string): PlannedSegment => ({
  name: segment.name,
  branchId,
  object: logSegmentKey(systemId, branchId, segment.object),
  rawSha256: segment.rawSha256,
  storedSha256: segment.storedSha256,
});
