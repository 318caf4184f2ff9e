import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { StepContext } from '#core/ports/step.ts';

/** True when a step ends because its run is over: it was given up while nobody could tell the step. */
export function isOver({ reason }: AbortSignal): boolean {
  return reason instanceof HoldfastError && reason.code === 'run_over';
}

/**
 * The gate of the batches of a stream (K-084). A stream that is told to end commits what it received at last: whoever told it
 * speaks of an open run, so nobody is asked. Throws `run_over`.
 */
export const demandOpenStream =
  ({ signal, demandOpen }: Pick<StepContext, 'signal' | 'demandOpen'>): (() => Promise<void>) =>
  async () => {
    try {
      if (!signal.aborted) await demandOpen?.();
    } catch (error) {
      // Why: a cancel that comes while the gate asks ends the asking, not the last commit.
      if (!signal.aborted || isOver(signal)) throw error;
    }
    if (isOver(signal)) throw signal.reason;
  };
