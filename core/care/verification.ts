import type { BatchId, SetId } from '../id.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import type { VerifyReport } from '../restore/report.ts';
import type { MarkOfSet } from './mark.ts';
import type { VerifyDepth } from './verify-depth.ts';
import { isAsDeep } from './verify-depth.ts';

/** What a scrub looks at next: what nobody has looked at for longest. */
export type ScrubNext =
  | {
      /** All is looked at, or the budget is used up; with what the run did, over all of its attempts. */
      readonly next: 'nothing';
      readonly sets: number;
      readonly batches: number;
      readonly bytes: number;
      readonly damaged: number;
      /** The first finding. */
      readonly first?: { readonly object: string; readonly what: string };
    }
  | {
      readonly next: 'set';
      readonly setId: SetId;
      /** Index of the piece where an earlier scrub ended. */
      readonly fromPiece: number;
      /** What is left of the budget; absent: there is none. */
      readonly budgetBytes?: number;
    }
  | { readonly next: 'batch'; readonly batch: BatchSummary };

/** What a scrub found in one set or batch. */
export type ScrubTold =
  | {
      readonly kind: 'set';
      readonly setId: SetId;
      readonly report: VerifyReport;
      /** Where a later scrub goes on; absent when the set was read to its end. */
      readonly nextPiece?: number;
      /** Marks of the set, when it was put into quarantine. */
      readonly marks?: readonly MarkOfSet[];
    }
  | { readonly kind: 'batch'; readonly batchId: BatchId; readonly report: VerifyReport };

const depthOf = ({ depth = 'full' }: VerifyReport): VerifyDepth => depth;

/**
 * What is known of a set or batch after one more look. Damage stays known until a look at least as deep as the one that
 * found it finds nothing: a quick look does not see flipped bytes.
 */
export function verdictAfter(before: VerifyReport | undefined, now: VerifyReport): VerifyReport {
  const isStillDamaged = before !== undefined && before.damage.length > 0 && now.damage.length === 0;
  return isStillDamaged && !isAsDeep(depthOf(now), depthOf(before)) ? before : now;
}

/** A batch without the segments that were found damaged: nothing is planned over them, the gap is shown. */
export function withoutDamage(batch: BatchSummary, damaged: ReadonlySet<string>): BatchSummary {
  const prefix = `logs/${batch.systemId}/${batch.branchId}/`;
  const isSound = ({ object }: BatchSummary['segments'][number]): boolean => !damaged.has(`${prefix}${object}`);
  return batch.segments.every(isSound) ? batch : { ...batch, segments: batch.segments.filter(isSound) };
}
