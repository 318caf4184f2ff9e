import type { SetSummary } from '../backup/set-summary.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import type { CommittedLog } from '../log/coverage.ts';
import { formatLsn } from '../wal/lsn.ts';

/**
 * What one pool holds, with the branches that the other pools know of: which branch is written now, and where it left the one
 * before, is true of the database. A pool that knows only a branch that was abandoned would lead on there in silence.
 * Sets and log of the other pools are not added: a restore reads one pool.
 */
export function withSharedBranches(log: CommittedLog, all: readonly CommittedLog[]): CommittedLog {
  const others = all.filter((each) => each !== log);
  const heads = newestOf(
    others.flatMap(({ batches }) => batches),
    ({ coveredUntil }) => coveredUntil,
  );
  const own = new Set(log.sets.map(({ setId }) => setId));
  const sets = newestOf(
    others.flatMap((each) => each.sets).filter(({ setId }) => !own.has(setId)),
    ({ endedAt }) => endedAt,
  );
  return { ...log, batches: [...log.batches, ...heads.map(headOf)], unusable: [...(log.unusable ?? []), ...sets] };
}

/** A batch that tells of its branch, and nothing of its log: at this position no log ends. */
const headOf = (batch: BatchSummary): BatchSummary => ({
  ...batch,
  segments: [],
  from: formatLsn(0),
  to: formatLsn(0),
});

/** Of each branch and writer the newest one. */
function newestOf<T extends SetSummary | BatchSummary>(all: readonly T[], at: (one: T) => string): readonly T[] {
  const newest = new Map<string, T>();
  for (const one of all) {
    const key = `${one.branchId} ${one.resourceId}`;
    const known = newest.get(key);
    if (known === undefined || at(one) > at(known)) newest.set(key, one);
  }
  return [...newest.values()];
}
