import { Context } from '@temporalio/activity';
import type { JobHandle, JobStep, JobTable } from '#core/ports/job-table.ts';
import type { WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { beatOf } from '../checkpoint.ts';
import { asActivityFailure } from '../failure.ts';

/**
 * Attaches this attempt to the job of the run: heartbeats carry its progress, a cancel that a person asked for reaches
 * it. An attempt that is superseded, timed out, paused or shut down only lets go; the job goes on for the next attempt.
 */
export async function attach(
  jobs: JobTable,
  order: WorkOrder,
  begin: (step: JobStep) => Promise<WorkResult>,
): Promise<WorkResult> {
  const context = Context.current();
  const { attempt } = context.info;
  const job = jobs.attach(order, (step) => {
    // Why only here: an attempt that finds the job still going broke nothing off.
    if (attempt > 1) step.log({ level: 'warn', message: takenUpAgain(attempt) });
    return begin(step);
  });
  const stopBeating = beatOf(context, job);
  try {
    await Promise.race([job.end, context.cancelled]).catch((reason: unknown) => {
      letGo(context, job, reason);
    });
    const end = await job.end;
    if (end.ok) return end.value;
    // Why: an AbortError as such is refused by the server for a paused attempt (temporal-verified §7).
    context.cancellationSignal.throwIfAborted();
    throw asActivityFailure(end.error, job.isGivenUp());
  } finally {
    stopBeating();
  }
}

/** A process that was killed could not say so itself. */
const takenUpAgain = (attempt: number): string =>
  `attempt ${String(attempt)}: the one before failed, or its agent was stopped, killed or cut off; what is stored is not sent again`;

/** Only a real cancel request stops the job, and then the attempt waits for its clean-up. */
function letGo(context: Context, job: JobHandle, reason: unknown): void {
  if (context.cancellationDetails?.cancelRequested === true) job.cancel();
  else throw asActivityFailure(reason);
}
