import type { SetSummary } from '#core/backup/set-summary.ts';
import { givenUpSets } from '#core/log/given-up-sets.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import { chosenSet } from './excluded-sets.ts';
import type { GivenUpTime } from './plan.ts';

/**
 * The furthest set behind the chosen one that was left out because it is of a time that was given up. Undefined when there is none, and
 * when the set was named: then nothing was left out.
 */
export function givenUpTime(request: RestoreRequest, set: SetSummary): GivenUpTime | undefined {
  if (chosenSet(request) !== undefined) return undefined;
  const givenUp = givenUpSets(request.log);
  const [furthest] = request.log.sets
    .filter(({ setId, branchId }) => givenUp.has(setId) && branchId === set.branchId)
    .filter(({ endLsn }) => compareLsn(endLsn, set.endLsn) > 0)
    .sort((a, b) => compareLsn(b.endLsn, a.endLsn));
  const teller = furthest === undefined ? undefined : givenUp.get(furthest.setId);
  if (furthest === undefined || teller === undefined) return undefined;
  const { setId, endLsn, endedAt } = furthest;
  return { setId, endLsn, endedAt, later: { setId: teller.setId, endLsn: teller.endLsn } };
}

/** The same as a step of the plan. */
export const givenUpText = ({ setId, endLsn, endedAt, later }: GivenUpTime): string =>
  `LEAVES OUT A TIME THAT WAS GIVEN UP: ${setId} of ${endedAt} ends at LSN ${endLsn}, but ${later.setId}, made later, ends at LSN ${later.endLsn}: an earlier state of the instance was put back in between; to restore what was given up, name that set`;
