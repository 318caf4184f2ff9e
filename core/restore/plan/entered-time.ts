import type { SetSummary } from '#core/backup/set-summary.ts';
import type { Instant } from '#core/instant.ts';
import type { KnownBranch } from '#core/log/branches.ts';
import { branchesOf } from '#core/log/branches.ts';
import { givenUpSets } from '#core/log/given-up-sets.ts';
import { hasOtherLog } from '#core/log/reach.ts';
import type { RoutedSegment } from '#core/log/timeline.ts';
import type { Reached } from '#core/restore/recovery/stop-branch.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { EnteredTime } from './plan.ts';

/**
 * Whether what a plan uses is of a time that was given up: its set, or its log from where a later set of the instance ends in other log.
 * Also told when the set was named: who names a set need not know what became of its time. Undefined when nothing shows it.
 */
export function enteredTime(request: RestoreRequest, reached: Reached, set: SetSummary): EnteredTime | undefined {
  const teller = givenUpSets(request.log).get(set.setId) ?? tellerOfLog(request, reached, set);
  if (teller === undefined) return undefined;
  const { setId, endLsn, endedAt } = teller;
  return { setId, endLsn, endedAt };
}

/** The latest set of the same instance that was made after other log was written where it ends. */
function tellerOfLog({ log }: RestoreRequest, { segments }: Reached, set: SetSummary): SetSummary | undefined {
  const branches = branchesOf(log);
  const givenUp = givenUpSets(log);
  const [latest] = [...log.sets, ...(log.unusable ?? [])]
    .filter(({ setId, resourceId }) => resourceId === set.resourceId && !givenUp.has(setId))
    .filter((each) => hasOtherLog(branches.get(each.branchId), each))
    .filter((each) => isOlder(fromEndOf(each, segments), branches, each.beganAt))
    .sort((a, b) => (a.beganAt > b.beganAt ? -1 : 1));
  return latest;
}

/** The log of a plan from the segment in which a set ends; none when the plan does not get there. */
function fromEndOf({ branchId, endSegment }: SetSummary, segments: readonly RoutedSegment[]): readonly RoutedSegment[] {
  const at = segments.findIndex((one) => one.branchId === branchId && one.segment.name === endSegment);
  return at < 0 ? [] : segments.slice(at);
}

/**
 * Whether log was written before a set began. Why it is asked: other log may just as well be that of the present, when the set is of the
 * time that was given up and nothing was backed up since. Why by the last commit: what was written before the two parted is in both. Without any, by
 * how long the log is known.
 */
function isOlder(log: readonly RoutedSegment[], branches: ReadonlyMap<string, KnownBranch>, began: Instant): boolean {
  const last = log[log.length - 1];
  if (last === undefined) return false;
  const commits = log.flatMap(({ segment }) => segment.maxCommit ?? []);
  const covered = branches.get(last.branchId)?.segments.get(lsnToNumber(last.segment.from))?.coveredUntil;
  const until = commits.length > 0 ? commits.reduce((a, b) => (a > b ? a : b)) : covered;
  return until !== undefined && until < began;
}

/** The same as a step of the plan. */
export const enteredText = ({ setId, endLsn, endedAt }: EnteredTime): string =>
  `ENTERS A TIME THAT WAS GIVEN UP: an earlier state of the instance was put back after what this plan restores was written; ${setId}, made since (it ended ${endedAt} at LSN ${endLsn}), shows it. An LSN or a time that was read on the server of today means other data. To restore the present, choose a point that ${setId} leads to, or name that set`;
