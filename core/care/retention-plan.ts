import type { BatchId, PlanId, PoolId, ResourceId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { SetType } from '../backup/set-summary.ts';
import type { RetentionPolicy } from './policy.ts';

/** Why a set or a stretch of log is kept or deleted. Durable names; `detail` is the sentence that is shown. */
export const reasonCodes = [
  // Kept.
  ...(['no-policy', 'held', 'pinned', 'quarantined', 'unreadable-mark', 'other-resource', 'locked'] as const),
  ...(['by-rule', 'window-start', 'generation', 'newest-good', 'minimum', 'chain-of', 'base-of'] as const),
  ...(['damage-stops-expiry', 'damaged-recent'] as const),
  ...(['needed-by-log', 'needed-by-set', 'newest-batch', 'no-good-set'] as const),
  // Deleted.
  ...(['expired', 'damaged-expired', 'unneeded-log', 'asked'] as const),
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

export interface Reason {
  readonly code: ReasonCode;
  readonly detail: string;
}

export interface SetVerdict {
  readonly setId: SetId;
  readonly resourceId: ResourceId;
  readonly systemId: string;
  readonly type: SetType;
  readonly endedAt: Instant;
  readonly storedBytes: number;
  readonly isDeleted: boolean;
  /** At least one. */
  readonly reasons: readonly Reason[];
}

/** Consecutive batches of one branch with one verdict. */
export interface LogVerdict {
  readonly systemId: string;
  readonly branchId: string;
  readonly timeline: number;
  readonly from: Lsn;
  readonly to: Lsn;
  /** Time up to which the log of the stretch is known. */
  readonly coveredUntil: Instant;
  /** In the order of the log. */
  readonly batches: readonly BatchId[];
  readonly segmentCount: number;
  readonly storedBytes: number;
  readonly isDeleted: boolean;
  readonly reasons: readonly Reason[];
}

/** What retention decides: every set and every stretch of log with its reasons (plan → show → execute). */
export interface Verdicts {
  readonly sets: readonly SetVerdict[];
  readonly log: readonly LogVerdict[];
}

/** A plan as it is stored, shown and executed as it is. */
export interface CarePlan extends Verdicts {
  readonly planId: PlanId;
  /** `retention` follows the policy; `remove` is one set that an operator wants gone, with all that builds on it. */
  readonly kind: 'retention' | 'remove';
  readonly poolId: PoolId;
  readonly resourceId: ResourceId;
  readonly policy?: RetentionPolicy;
  readonly madeAt: Instant;
  /** SHA-256 over policy, sets, their condition and their marks: a plan is refused when it is another one later. */
  readonly worldSha256: string;
  readonly deletedBytes: number;
}
