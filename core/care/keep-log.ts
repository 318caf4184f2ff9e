import type { SetSummary } from '../backup/set-summary.ts';
import type { Instant } from '../instant.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import type { KnownBranch } from '../log/branches.ts';
import { currentBranch, routeTo } from '../log/branches.ts';
import { lsnToNumber } from '../wal/lsn.ts';
import type { LogVerdict, Reason } from './retention-plan.ts';
import type { SystemWorld } from './world.ts';
import { isOnRoute, lockOn } from './world.ts';

interface KeptSets {
  readonly world: SystemWorld;
  readonly kept: readonly SetSummary[];
  /** Kept sets from which log leads on, those of other resources among them. */
  readonly leading: readonly SetSummary[];
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly setId: string;
}

/** What is needed of one branch. */
interface Need {
  /** All log from here on; Infinity when no set leads here. */
  readonly from: number;
  readonly fromSet: string;
  /** Log that sets need to be consistent. */
  readonly own: readonly Range[];
  readonly isAlive: boolean;
  readonly newestBatch: string;
}

/** Verdicts on the log of one database, one per stretch of batches with equal verdicts. */
export function logVerdicts({ world, kept, leading }: KeptSets): readonly LogVerdict[] {
  const { branches } = world;
  const hasGood = leading.length > 0;
  const stretches: LogVerdict[] = [];
  for (const branch of branches.values()) {
    const need = needOf(branch, { branches, kept, leading, batches: world.batches });
    const batches = world.batches.filter(({ branchId }) => branchId === branch.branchId).sort(inLogOrder);
    for (const batch of batches)
      addTo(stretches, verdictOn(batch, hasGood ? need : undefined, lockOn(world, batch.batchId)));
  }
  return stretches;
}

const inLogOrder = (a: BatchSummary, b: BatchSummary): number =>
  lsnToNumber(a.from) - lsnToNumber(b.from) || (a.batchId < b.batchId ? -1 : 1);

const floorTo = (position: number, bytes: number): number => position - (position % bytes);

interface Question {
  readonly branches: ReadonlyMap<string, KnownBranch>;
  readonly kept: readonly SetSummary[];
  readonly leading: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
}

/** A set that leads to a branch needs the log of its own branch from its begin, and all of the branches behind. */
function needOf(branch: KnownBranch, { branches, kept, leading, batches }: Question): Need {
  const route = routeTo(branch, branches);
  let from = Infinity;
  let fromSet = '';
  for (const set of leading) {
    if (!isOnRoute(set, route)) continue;
    const begin = set.branchId === branch.branchId ? floorTo(lsnToNumber(set.beginLsn), set.segmentBytes) : 0;
    if (begin < from) [from, fromSet] = [begin, set.setId];
  }
  const own = kept.filter((set) => set.branchId === branch.branchId).map(rangeOf);
  // Copies of one origin share the log of their pool: each writes a branch of its own now.
  const isCurrent = [...branch.writers].some((one) => currentBranch(branches, one)?.branchId === branch.branchId);
  const ids = batches.filter(({ branchId }) => branchId === branch.branchId).map(({ batchId }) => batchId);
  const newestBatch = ids.reduce<string>((a, b) => (a > b ? a : b), '');
  return { from, fromSet, own, isAlive: isCurrent || from < Infinity || own.length > 0, newestBatch };
}

const rangeOf = ({ setId, beginLsn, endLsn, segmentBytes }: SetSummary): Range => ({
  setId,
  from: floorTo(lsnToNumber(beginLsn), segmentBytes),
  to: lsnToNumber(endLsn),
});

const lockReason = (lock: string | undefined): Reason | undefined =>
  lock === undefined ? undefined : { code: 'locked', detail: lock };

/** Without a need (no set leads anywhere) nothing is concluded and everything stays. */
function verdictOn(batch: BatchSummary, need: Need | undefined, lock: string | undefined): LogVerdict {
  const reason = reasonToKeep(batch, need) ?? lockReason(lock);
  const { systemId, branchId, timeline, from, to, coveredUntil } = batch;
  return {
    ...{ systemId, branchId, timeline, from, to, coveredUntil },
    batches: [batch.batchId],
    segmentCount: batch.segments.length,
    storedBytes: batch.segments.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    isDeleted: reason === undefined,
    reasons: [reason ?? { code: 'unneeded-log', detail: 'no kept set and no reachable point needs it' }],
  };
}

function reasonToKeep(batch: BatchSummary, need: Need | undefined): Reason | undefined {
  if (need === undefined)
    return { code: 'no-good-set', detail: 'the pool keeps no set of this database that leads to it' };
  const [from, to] = [lsnToNumber(batch.from), lsnToNumber(batch.to)];
  if (to > need.from) return { code: 'needed-by-log', detail: `points after ${need.fromSet} are reached through it` };
  const user = need.own.find((range) => from < range.to && to > range.from);
  if (user !== undefined) return { code: 'needed-by-set', detail: `${user.setId} needs it to be consistent` };
  // The next batch names its hash, and it brings the history file of its branch.
  if (need.isAlive && batch.batchId === need.newestBatch)
    return { code: 'newest-batch', detail: 'it is the newest batch of a branch that is in use' };
  return undefined;
}

function addTo(stretches: LogVerdict[], next: LogVerdict): void {
  const last = stretches[stretches.length - 1];
  if (last === undefined || !isSame(last, next)) return void stretches.push(next);
  stretches[stretches.length - 1] = {
    ...last,
    to: lsnToNumber(next.to) > lsnToNumber(last.to) ? next.to : last.to,
    coveredUntil: later(last.coveredUntil, next.coveredUntil),
    batches: [...last.batches, ...next.batches],
    segmentCount: last.segmentCount + next.segmentCount,
    storedBytes: last.storedBytes + next.storedBytes,
  };
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

const isSame = (a: LogVerdict, b: LogVerdict): boolean =>
  a.branchId === b.branchId &&
  a.isDeleted === b.isDeleted &&
  a.reasons[0]?.code === b.reasons[0]?.code &&
  a.reasons[0]?.detail === b.reasons[0]?.detail;
