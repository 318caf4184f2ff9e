import type { SetSummary } from '#core/backup/set-summary.ts';
import type { TruncationNote } from '#core/care/care-task.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
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
    if (!systems.includes(set.systemId) || (await isWhole(work, set))) continue;
    const { setId, beginLsn, endLsn } = set;
    work.leaveOut({ what: `log of ${setId}`, why: `${work.from.name} does not have it whole` });
    work.warn({
      code: 'copied_without_log',
      detail: `${setId} has no log inside and ${work.to.name} lacks some from ${beginLsn} to ${endLsn}: it cannot be restored from the copy alone`,
    });
  }
}

async function isWhole({ to }: Copying, { beginLsn, endLsn, ...place }: SetSummary): Promise<boolean> {
  const { batches } = await readBranch(to, place, lsnToNumber(beginLsn));
  const segments = batches.flatMap((batch) => batch.segments).sort((a, b) => compareLsn(a.from, b.from));
  let at = beginLsn;
  for (const { from, to: end } of segments) if (compareLsn(from, at) <= 0 && compareLsn(end, at) > 0) at = end;
  return compareLsn(at, endLsn) >= 0;
}
