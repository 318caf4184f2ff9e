import type { SetSummary } from '../backup/set-summary.ts';
import type { RestoreTarget } from '../restore/target.ts';
import type { BatchSummary } from './batch-summary.ts';
import type { Located, LogTimeline } from './timeline.ts';
import { bug } from '../errors/fail.ts';

/** Everything committed for one database: one system id. */
export interface CommittedLog {
  readonly sets: readonly SetSummary[];
  readonly batches: readonly BatchSummary[];
}

/** Branches, gap-free stretches, gaps and reachable windows (design §6). Order of the input does not matter. */
export function coverage(_log: CommittedLog): LogTimeline {
  throw bug('coverage is not there yet');
}

/** Whether and how a target can be reached; `branchId` as in `LogTimeline`, default the current branch. */
export function locate(_log: CommittedLog, _target: RestoreTarget, _branchId?: string): Located {
  throw bug('locate is not there yet');
}
