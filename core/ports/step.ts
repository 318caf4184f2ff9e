import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { Faults } from '../faults/fault-points.ts';
import type { RunId } from '../id.ts';
import type { LogLine, Progress } from '../run/progress.ts';
import type { RatesNow } from '../run/rate.ts';

/** What a long step on a host gets from whoever runs it: cancellation in, progress and log lines out. */
export interface StepContext {
  readonly runId: RunId;
  /** Aborted on cancel, or when the attempt is superseded. A step stops within 2 s and cleans up what it began. */
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  log(line: LogLine): void;
  /** The limits now in force, or that the step is paused; changes reach the pipeline within 2 s. */
  limits(): RatesNow;
  /** K-084: how long a step waits for a pool that went away, in milliseconds; absent = a few seconds. */
  readonly reconnectMs?: number;
  /**
   * K-084: asked right before a set or a batch of log is committed or a copy is left open. Settles when the run is known to be open, and waits
   * while neither the API nor Temporal can be asked: a host that is cut off finishes nothing for a run that was given up meanwhile.
   * Throws `run_over`, with the signal aborted for the same reason. Absent where nobody can be asked.
   */
  readonly demandOpen?: () => Promise<void>;
  /** Where a test lets the process die; absent everywhere else. */
  readonly faults?: Faults;
}

/** The way a step ended, journalled on the agent so that a lost result is never work done twice. */
export type StepEnd<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: HoldfastError };
