import type { RunId } from '../id.ts';
import type { Progress } from '../run/progress.ts';
import type { RateLimits } from '../run/rate.ts';
import type { WorkOrder, WorkResult } from '../run/work-order.ts';
import type { StepContext, StepEnd } from './step.ts';

/**
 * The jobs of an agent process, keyed by run id. The work is a job of the agent; activity attempts only attach to it,
 * so a break towards Temporal costs nothing (design §4).
 */
export interface JobTable {
  /** Begins the job of a run, adopts the one that runs, or answers with the journalled end of a finished one. */
  attach(order: WorkOrder, begin: (step: JobStep) => Promise<WorkResult>): JobHandle;
  /**
   * Changes limits of a job, kept for one that is not there yet and over a restart of the agent; what the change does
   * not speak of stays (K-085, K-086).
   */
  setLimits(runId: RunId, change: RateLimits): Promise<void>;
  /**
   * Pauses a job or lets it go on, also over a restart of the agent. A paused job reads, writes and sends nothing and
   * keeps what it holds; one that would begin while it is paused waits and holds nothing.
   */
  setPaused(runId: RunId, isPaused: boolean): Promise<void>;
}

/** What a job gets: a step whose first limits come with its order. */
export interface JobStep extends StepContext {
  /** Limits of the order: in force as far as no operator set others. */
  startLimits(limits: RateLimits): void;
}

export interface JobHandle {
  /** Never rejects. */
  readonly end: Promise<StepEnd<WorkResult>>;
  progress(): Progress;
  /** A person asked to stop: the step cleans up, then `end` says cancelled. */
  cancel(): void;
  /** True once a step failed for outside reasons for longer than the reconnect time without any progress. */
  isGivenUp(): boolean;
}
