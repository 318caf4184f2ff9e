import type { BatchId, MarkId, PlanId, RunId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { VerifyDepth } from './verify-depth.ts';

/** Log of one branch that goes: batches first, then the objects that no batch names any more. */
export interface LogToDelete {
  readonly systemId: string;
  readonly branchId: string;
  readonly batches: readonly { readonly batchId: BatchId; readonly from: Lsn; readonly to: Lsn }[];
  /** Object names below the branch. */
  readonly objects: readonly string[];
}

/** Exactly what a shown plan deletes. Sets that build on others come before them. */
export interface DeleteTask {
  readonly task: 'delete';
  readonly planId: PlanId;
  readonly sets: readonly SetId[];
  readonly log: readonly LogToDelete[];
}

/** Leftovers of attempts that never committed: pieces of sets without `meta`, segments that no batch names. */
export interface CollectTask {
  readonly task: 'collect';
  /** Only look, delete nothing. */
  readonly isDryRun: boolean;
  /** Nothing younger is touched. 1–8760. */
  readonly graceHours: number;
}

/** Reads stored sets and log back, what nobody has looked at for longest first; what it looks at next is asked for one by one. */
export interface ScrubTask {
  readonly task: 'scrub';
  readonly depth: Exclude<VerifyDepth, 'quick'>;
}

export type CareTask = DeleteTask | CollectTask | ScrubTask;

/** What an agent asks right before it deletes: leases, holds and runs may have changed since the plan was made. */
export type DeletionClaim =
  | {
      readonly kind: 'set';
      readonly setId: SetId;
      /** Its commit point is not there: an earlier attempt got so far. Absent: it is. */
      readonly isGone?: boolean;
    }
  | {
      readonly kind: 'log';
      readonly systemId: string;
      readonly branchId: string;
      /** The end of what goes; absent for segments that no batch names. */
      readonly to?: Lsn;
      /** Of those: how long they are left to an agent that was lost while it wrote them; absent: a day. */
      readonly graceHours?: number;
      /** Asked only, nothing is claimed: a collection that is a dry run counts what the real one would delete. */
      readonly isDryRun?: boolean;
    }
  | {
      readonly kind: 'orphan';
      readonly setId: SetId;
      /** Run that made the pieces, by the `start` of the set; absent when it has none. */
      readonly madeBy?: RunId;
      /** Begin of the last attempt by its id. */
      readonly lastTriedAt: Instant;
      readonly graceHours: number;
      readonly isDryRun: boolean;
    };

/** `done`: this run deleted it before, nothing is left to do. */
export type ClaimVerdict =
  { readonly verdict: 'granted' | 'done' } | { readonly verdict: 'refused'; readonly why: string };

/** What an agent tells while it deletes. `removed`: the commit point is gone, so it is no set and no log any more. */
export type DeletionTold =
  | { readonly kind: 'set'; readonly setId: SetId; readonly step: 'removed' | 'done' | 'kept' }
  | {
      readonly kind: 'log';
      readonly systemId: string;
      readonly branchId: string;
      readonly batches: readonly BatchId[];
      readonly step: 'removed' | 'done' | 'kept';
    }
  | { readonly kind: 'orphan'; readonly setId: SetId; readonly step: 'done' | 'kept' };

/** A note in the pool that log was deleted by a plan, so that the chain of batches stays explained (docs/format.md §10). */
export interface TruncationNote {
  readonly noteId: MarkId;
  readonly systemId: string;
  readonly branchId: string;
  readonly seq: number;
  readonly runId: RunId;
  readonly at: Instant;
  /** Stretches of the chain of batches that are gone: the hash before the first of each, and the hash of its last. */
  readonly links: readonly { readonly previousSha256: string; readonly sha256: string; readonly count: number }[];
  /** Log that is gone, half-open, in order. */
  readonly ranges: readonly { readonly from: Lsn; readonly to: Lsn }[];
  /**
   * Whole segments that are gone, with the SHA-256 of their bytes; not those of batches that could not be read. Notes of
   * earlier versions have none.
   */
  readonly segments?: readonly { readonly name: string; readonly rawSha256: string }[];
}
