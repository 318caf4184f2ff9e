import type { Warning } from '../run/progress.ts';

/** What a care run did: numbers, no lists of objects. */
export interface CareReport {
  readonly sets: number;
  readonly batches: number;
  /** Objects deleted, or that would be. */
  readonly objects: number;
  readonly bytes: number;
  /** Sets and branches that were left as they are, with the reason each. */
  readonly kept: readonly { readonly what: string; readonly why: string }[];
  readonly isDryRun: boolean;
  readonly warnings: readonly Warning[];
}
