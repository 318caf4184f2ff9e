import type { SetSummary } from '../backup/set-summary.ts';
import type { SetId } from '../id.ts';
import type { CommittedLog } from './branches.ts';
import { lsnToNumber } from '../wal/lsn.ts';

/**
 * Sets of a time that was given up, each with the set that tells: log positions of an instance only grow, so when a later set of
 * it does not end behind an earlier one on the same branch, an earlier state (a storage snapshot) was put back in between. Why by both
 * orders, that of ids (which no clock turns, see `openJobRun`) and that of the clock beside the database: one alone proves nothing. The later set must
 * be known to be of a running primary (`endSegmentSha256`), because a standby may lag.
 */
export function givenUpSets({
  sets,
  unusable = [],
}: Pick<CommittedLog, 'sets' | 'unusable'>): ReadonlyMap<SetId, SetSummary> {
  const found = new Map<SetId, SetSummary>();
  // Those that do not end behind, of each instance on each branch. Why all: one that was made while a clock was ahead must not hide the others.
  const tellers = new Map<string, SetSummary[]>();
  for (const set of [...sets, ...unusable].sort(byEnd)) {
    const line = `${set.resourceId} ${set.branchId}`;
    const others = tellers.get(line) ?? [];
    const teller = others.find((each) => isAfter(each, set));
    if (teller !== undefined) found.set(set.setId, teller);
    if (set.endSegmentSha256 !== undefined) tellers.set(line, [...others.filter((each) => !tellsAll(set, each)), set]);
  }
  return found;
}

const isAfter = (later: SetSummary, earlier: SetSummary): boolean =>
  madeAs(later) > madeAs(earlier) && later.beganAt > earlier.endedAt;

/** Whether whatever the other set tells the first one tells too: the others need not be kept, of a healthy instance never more than one. */
const tellsAll = (set: SetSummary, other: SetSummary): boolean =>
  madeAs(set) >= madeAs(other) && set.beganAt >= other.beganAt;

/** Of two that end at one place the later first. */
const byEnd = (a: SetSummary, b: SetSummary): number =>
  lsnToNumber(a.endLsn) - lsnToNumber(b.endLsn) || (a.beganAt > b.beganAt ? -1 : 1);

/** A synthetic full is of the time of its incremental. */
const madeAs = ({ setId, mergedFrom }: SetSummary): SetId => mergedFrom?.setId ?? setId;
