import type { SetId } from '../id.ts';
import type { Warning } from '../run/progress.ts';

/** Something that a copy left where it is, with the reason. */
export interface LeftOut {
  /** A set id, or log in words. */
  readonly what: string;
  readonly why: string;
}

/** What goes from one pool to another (K-005). Bases come before the sets that build on them. */
export interface PoolCopyTask {
  readonly sets: readonly SetId[];
  /** Sets that are in the target already and that others of the copy build on: nobody deletes them meanwhile. */
  readonly bases: readonly SetId[];
  /** Databases, by system id, whose log goes too. */
  readonly systems: readonly string[];
  /** Sum of the stored bytes of `sets`, for the progress. */
  readonly bytesTotal: number;
  /** What was decided to stay before the agent began. */
  readonly leftOut: readonly LeftOut[];
  /** What is worth knowing although everything goes. */
  readonly warnings: readonly Warning[];
}

/** What a copy did: numbers, no lists of objects. */
export interface PoolCopyReport {
  /** Sets that were committed in the target by this attempt. */
  readonly sets: number;
  /** Sets that were there already. */
  readonly setsThere: number;
  readonly batches: number;
  readonly batchesThere: number;
  /** Objects put: pieces, segments and what makes them sets and log. */
  readonly objects: number;
  readonly bytes: number;
  /** Objects of an attempt before that were found whole and not sent again. */
  readonly objectsReused: number;
  readonly leftOut: readonly LeftOut[];
  readonly warnings: readonly Warning[];
}
