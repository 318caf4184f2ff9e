import type { JobId, RunId } from '../id.ts';
import type { RunKind } from '../run/run-kind.ts';

/** What came of a schedule that fired. */
export type ScheduledRun =
  | { readonly verdict: 'opened'; readonly runId: RunId; readonly kind: RunKind }
  /** In words, for the operator who looks at the fire workflow. */
  | { readonly verdict: 'nothing'; readonly reason: string };

/** Jobs as the fire workflow sees them. */
export interface JobBook {
  /**
   * Records the run of a job that is due at a time of its plan (milliseconds since 1970), with the revision that is current
   * now. Safe to repeat: one time of a plan is one run.
   */
  openScheduled(jobId: JobId, atMs: number): Promise<ScheduledRun>;
}
