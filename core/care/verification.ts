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
 * What is known of a set after one more look at all of it. Damage stays known until a look at least as deep as the one that
 * found it finds nothing: a quick look does not see flipped bytes.
 */
export function verdictAfter(before: VerifyReport | undefined, now: VerifyReport): VerifyReport {
  return before === undefined || isAsDeep(depthOf(now), depthOf(before)) ? now : withEarlier(before, now);
}

/**
 * The same after a scrub, which may have read a portion only. It takes no damage back: it passes over what is known to be
 * damaged, so what it did not see was found while it looked, or lies in another portion.
 */
export const verdictAfterScrub = (before: VerifyReport | undefined, now: VerifyReport): VerifyReport =>
  before === undefined ? now : withEarlier(before, now);

/** The later report with the damage of both; as deep as the deeper, so that no shallow look takes it back. */
function withEarlier(before: VerifyReport, now: VerifyReport): VerifyReport {
  if (before.damage.length === 0) return now;
  if (now.damage.length === 0) return before;
  const known = new Set(before.damage.map(({ object }) => object));
  const damage = [...before.damage, ...now.damage.filter(({ object }) => !known.has(object))];
  const count = Math.max(before.damageCount ?? 0, now.damageCount ?? 0);
  return {
    ...now,
    ...{ depth: isAsDeep(depthOf(now), depthOf(before)) ? depthOf(now) : depthOf(before), damage },
    ...(count > damage.length ? { damageCount: count } : {}),
  };
}

/**
 * What a look at a whole batch of log found that was not known: a scrub looks at damaged log again, because it may have been put
 * right, and what is still as it was is no news.
 */
export function newFindings(before: VerifyReport | undefined, { damage, damageCount }: VerifyReport): NewFindings {
  const known = new Set(before?.damage.map(({ object }) => object));
  const found = damage.filter(({ object }) => !known.has(object));
  const [first] = found;
  const count = found.length === damage.length ? (damageCount ?? found.length) : found.length;
  return first === undefined ? { count } : { count, first };
}

export interface NewFindings {
  readonly count: number;
  readonly first?: VerifyReport['damage'][number];
}

/** A batch without the segments that were found damaged: nothing is planned over them, the gap is shown. */
export function withoutDamage(batch: BatchSummary, damaged: ReadonlySet<string>): BatchSummary {
  const prefix = `logs/${batch.systemId}/${batch.branchId}/`;
  const isSound = ({ object }: BatchSummary['segments'][number]): boolean => !damaged.has(`${prefix}${object}`);
  return batch.segments.every(isSound) ? batch : { ...batch, segments: batch.segments.filter(isSound) };
}
