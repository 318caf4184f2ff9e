import type { ExcludedSet } from '#core/backup/usable-sets.ts';
import { sortUsable } from '#core/backup/usable-sets.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SetId } from '#core/id.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { branchesOf } from '#core/log/branches.ts';
import { locate } from '#core/log/coverage.ts';
import { givenUpSets } from '#core/log/given-up-sets.ts';
import type { LackingSet } from '#core/log/lacking-log.ts';
import { lackingLog } from '#core/log/lacking-log.ts';
import { hasOtherLog } from '#core/log/reach.ts';
import type { Located, LogTimeline } from '#core/log/timeline.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import type { RestoreWays } from './ways.ts';
import { describeTarget, near, refuseAsUsual } from './unreachable.ts';
import { cutText } from '../../text.ts';

/** A request that knows only sets whose chain is whole and good, and which ones it does not know because of that. */
export interface SortedRequest extends RestoreRequest {
  readonly excluded: readonly ExcludedSet[];
}

/** What the planner found out about the target along one branch. */
export interface Finding<L extends Located = Located> {
  readonly found: L;
  readonly timeline: LogTimeline;
  readonly branchId: string | undefined;
}

/** The wanted set: named apart, or in the target itself (`immediate`). */
export const chosenSet = (request: RestoreRequest): SetId | undefined =>
  request.setId ?? (request.target.at === 'immediate' ? request.target.setId : undefined);

/** Takes damaged and quarantined sets, and sets without a whole chain, out of the question. Throws `restore_set_unusable`. */
export function withoutUnusable(request: RestoreRequest): SortedRequest {
  const { usable, excluded } = sortUsable(request.log.sets, request.unusable ?? new Map());
  const wanted = chosenSet(request);
  const refused = excluded.find(({ set }) => set.setId === wanted);
  if (refused !== undefined) {
    const { set, reason } = refused;
    throw fail('restore_set_unusable', { setId: set.setId, resource: request.resourceName, reason });
  }
  const unusable = [...(request.log.unusable ?? []), ...excluded.map(({ set }) => set)];
  return { ...request, log: { ...request.log, sets: usable, unusable }, excluded };
}

/** True when a set is wanted whatever is left of its chain: damage was accepted, and no server is to be started from it. */
export const isBrokenTaken = (ways: RestoreWays | undefined): boolean =>
  ways?.damageConsent !== undefined && ways.endsAs === 'files';

/**
 * The same for a set whose damage was accepted: which sets are good decides nothing any more, and where only files are wanted,
 * neither does a base that is not known. Throws `restore_set_unusable`.
 */
export function withBrokenChain(asked: RestoreRequest): SortedRequest {
  const request = { ...asked, unusable: new Map<SetId, string>() };
  const isTaken = isBrokenTaken(asked.ways);
  const wanted = asked.log.sets.find(({ setId }) => isTaken && setId === chosenSet(asked));
  if (wanted === undefined) return withoutUnusable(request);
  const { usable, excluded } = sortUsable(asked.log.sets, request.unusable);
  const rest = excluded.filter(({ set }) => set !== wanted);
  if (rest.length === excluded.length) return withoutUnusable(request);
  return {
    ...request,
    log: {
      ...asked.log,
      sets: [...usable, wanted],
      unusable: [...(asked.log.unusable ?? []), ...rest.map(({ set }) => set)],
    },
    excluded: rest,
  };
}

/** The registered error for a point that cannot be reached; an excluded set that leads there is named with the reason. */
export function refuse(
  request: SortedRequest,
  finding: Finding<Extract<Located, { isReachable: false }>>,
): HoldfastError {
  const lacking = lackingLog(request.log);
  const isNoneLeft = lacking.length > 0 && lacking.length === request.log.sets.length;
  const mute =
    lacking.find(({ set }) => set.setId === chosenSet(request)) ?? (isNoneLeft ? newestOf(lacking) : undefined);
  if (mute !== undefined) return logMissing(request, mute);
  const usual = refuseAsUsual(request, finding.found, finding.timeline);
  const lost = lostWay(request, finding.branchId)?.excluded;
  if (lost === undefined) return usual;
  if (request.log.sets.length === 0) {
    const reasons = request.excluded.map(({ set, reason }) => `${set.setId}: ${reason}`).join('; ');
    return fail('no_set_usable', { resource: request.resourceName, reasons: cutText(reasons, 1000) });
  }
  const { before, after } = finding.found;
  return needsExcluded(request, lost, { before: near(before), after: near(after) });
}

/**
 * `latest` and the backup state of the newest set are points that move: when an excluded set leads further, going back to
 * an earlier one in silence would lose data that nobody gave up. Throws `point_needs_excluded_set`, `set_log_missing`.
 */
export function demandNotWorse(
  request: SortedRequest,
  { found, timeline, branchId }: Finding<Extract<Located, { isReachable: true }>>,
): void {
  if (request.target.at !== 'latest' && request.target.at !== 'immediate') return;
  demandItsLog(request, found);
  const lost = lostWay(request, branchId);
  if (lost === undefined) return;
  // Why not by position alone: that of a damaged set is behind, too, when what leads further is of a time that was given up since.
  const isBehind = compareLsn(lost.mustReach, found.mustReach) <= 0;
  if (isBehind && !isOfOtherTime(request, lost.excluded.set)) return;
  const set = request.log.sets.find((each) => each.setId === found.setId);
  const end = set === undefined ? undefined : { lsn: set.endLsn, at: set.endedAt };
  const before = request.target.at === 'immediate' ? end : timeline.latest;
  throw needsExcluded(request, lost.excluded, { before: near(before), after: 'none' });
}

/** Whether a set that cannot be used is of another time of the instance than the log and the sets that can. */
function isOfOtherTime({ log }: SortedRequest, set: SetSummary): boolean {
  const tellers = [...givenUpSets({ sets: [...log.sets, set] }).values()];
  return tellers.includes(set) || hasOtherLog(branchesOf(log).get(set.branchId), set);
}

/**
 * A newer set whose log is not there (D-021): the newest backup state is its own, and log behind a hole is reached from it alone.
 * Where its log is only still to come, the latest point is the end of what is there. Throws `set_log_missing`.
 */
function demandItsLog(request: SortedRequest, found: Extract<Located, { isReachable: true }>): void {
  if (chosenSet(request) !== undefined) return;
  const newer = lackingLog(request.log).filter(
    ({ set, isHole }) =>
      set.branchId === found.branchId &&
      compareLsn(set.endLsn, found.mustReach) > 0 &&
      (isHole || request.target.at === 'immediate'),
  );
  const newest = newestOf(newer);
  if (newest !== undefined) throw logMissing(request, newest);
}

const newestOf = (sets: readonly LackingSet[]): LackingSet | undefined =>
  [...sets].sort((a, b) => compareLsn(b.set.endLsn, a.set.endLsn))[0];

const logMissing = ({ resourceName: resource }: RestoreRequest, { set, reason }: LackingSet): HoldfastError =>
  fail('set_log_missing', { setId: set.setId, resource, reason });

/** The excluded set that would have led to the target, had the operator left the choice to us. */
function lostWay(request: SortedRequest, branchId: string | undefined) {
  if (request.excluded.length === 0 || chosenSet(request) !== undefined) return undefined;
  const all = { ...request.log, sets: [...request.log.sets, ...request.excluded.map(({ set }) => set)] };
  const way = locate(all, request.target, branchId);
  if (!way.isReachable) return undefined;
  const excluded = request.excluded.find(({ set }) => set.setId === way.setId);
  return excluded === undefined ? undefined : { excluded, mustReach: way.mustReach };
}

const needsExcluded = (
  { target, resourceName: resource }: RestoreRequest,
  { set, reason }: ExcludedSet,
  nearest: { readonly before: string; readonly after: string },
): HoldfastError =>
  fail('point_needs_excluded_set', {
    point: describeTarget(target),
    resource,
    setId: set.setId,
    reason,
    ...nearest,
  });
