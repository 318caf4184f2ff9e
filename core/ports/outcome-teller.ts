import type { RunId } from '../id.ts';

/** Tells the outside how a run ended: the last step of a run, after its outcome is recorded. */
export interface OutcomeTeller {
  /** Idempotent by run; returns once the word is kept durably, delivery is not its work. */
  tellOutcome(runId: RunId): Promise<void>;
}
