import type { SetSummary } from '#core/backup/set-summary.ts';
import type { TruncationNote } from '#core/care/care-task.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { branchesOf } from '#core/log/branches.ts';
import { hasOtherLog, reachOf } from '#core/log/reach.ts';
import { compareLsn, formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { BranchPlace } from '../wal/committed-log.ts';
import { readBranch } from '../wal/committed-log.ts';
import type { Copying } from './copying.ts';

interface Range {
  readonly from: Lsn;
  readonly to: Lsn;
}

/** Log without which copied sets cannot be restored, on one branch: those sets have none inside (D-021). */
export const neededOn = (sets: readonly SetSummary[], { systemId, branchId }: BranchPlace): readonly Range[] =>
  sets
    .filter((set) => set.systemId === systemId && set.branchId === branchId)
    .map(({ beginLsn, endLsn }) => ({ from: beginLsn, to: endLsn }));

/** What plans deleted for good: log that a copied set needs comes back with it, and the next plan keeps it as long as the set. */
export const withoutNeeded = (notes: readonly TruncationNote[], needed: readonly Range[]): readonly TruncationNote[] =>
  notes.map((note) => ({
    ...note,
    ranges: needed.reduce<readonly Range[]>((left, need) => left.flatMap((range) => cut(range, need)), note.ranges),
  }));

const cut = (range: Range, need: Range): readonly Range[] =>
  compareLsn(need.to, range.from) <= 0 || compareLsn(range.to, need.from) <= 0
    ? [range]
    : [
        { from: range.from, to: need.from },
        { from: need.to, to: range.to },
      ].filter(({ from, to }) => compareLsn(from, to) < 0);

/** Tells of each copied set whose log is not in the target although it was to come along. */
export async function tellOfLacking(work: Copying): Promise<void> {
  const { systems } = work.order.task;
  for (const set of work.needingLog) {
    const lack = systems.includes(set.systemId) ? await lackOf(work, set) : undefined;
    if (lack === undefined) continue;
    const { setId } = set;
    work.leaveOut({ what: `log of ${setId}`, why: lack.why });
    work.warn({
      code: 'copied_without_log',
      detail: `${setId} has no log inside and ${lack.what}: it cannot be restored from the copy alone`,
    });
  }
}

interface Lack {
  readonly why: string;
  /** What the target does not have, in words. */
  readonly what: string;
}

/** Why a set without log inside cannot be restored with the log of the target; undefined when it can. */
async function lackOf({ from, to }: Copying, set: SetSummary): Promise<Lack | undefined> {
  const { beginLsn, endLsn, branchId, timeline } = set;
  const { batches } = await readBranch(to, set, lsnToNumber(beginLsn));
  const branches = branchesOf({ sets: [set], batches });
  const reach = reachOf(set, [{ branchId, timeline, from: formatLsn(0) }], branches);
  if (reach?.isOwnLogKnown === true) return undefined;
  if (hasOtherLog(branches.get(branchId), set)) {
    const why = `${to.name} has log of another time of the instance in its place`;
    return { why, what: why };
  }
  const what = `${to.name} lacks some from ${beginLsn} to ${endLsn}`;
  return { why: `${from.name} does not have it whole`, what };
}
