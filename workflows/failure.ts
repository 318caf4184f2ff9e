import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunOutcome } from '#core/ports/run-book.ts';
import { errorFromForm, failureFormOf } from '#core/run/failure-form.ts';
import type { WorkEnd } from '#core/run/work-order.ts';
import { isNobodyThere } from './activity-proxies.ts';

type Stopped = Exclude<WorkEnd, { state: 'done' }>;

/** The last word on a run that did not end well. */
type BadOutcome = Exclude<RunOutcome, { readonly result: unknown }>;

/** What stopped a step: a cancel, or the registered error at the root of what Temporal threw. */
export function stoppedBy(thrown: unknown): Stopped {
  if (isCancellation(thrown)) return { state: 'cancelled' };
  const { type, message, params } = failureFormOf(rootOf(thrown));
  // The agent answers a later attempt from its journal with the code alone.
  return type === 'cancelled' ? { state: 'cancelled' } : { state: 'failed', code: type, message, params };
}

/** The same as the last word on a run. */
export function outcomeOf(thrown: unknown): BadOutcome {
  const stopped = stoppedBy(thrown);
  if (stopped.state === 'cancelled') return cancelledOutcome;
  // A run that its precondition sent home has not failed (K-087).
  return stopped.code === 'precondition_false' ? { ...stopped, state: 'skipped' } : stopped;
}

export const cancelledOutcome: BadOutcome = {
  state: 'cancelled',
  code: 'cancelled',
  params: { what: 'The run' },
  message: 'The run was cancelled',
};

/** The registered error of a step that failed; `agent_lost` when nobody took it within the reconnect time. */
export function errorOf(thrown: unknown, reach: { readonly host: string; readonly minutes: string }): HoldfastError {
  if (isNobodyThere(thrown)) return fail('agent_lost', reach, thrown);
  const { type, message, params } = failureFormOf(rootOf(thrown));
  return errorFromForm(type, message, [params]);
}

/** The same as a failure of the workflow itself, so that Temporal shows it failed too (design §4). */
export function workflowFailureOf(thrown: unknown): ApplicationFailure {
  const form = failureFormOf(rootOf(thrown));
  return ApplicationFailure.nonRetryable(form.message, form.type, form.params);
}

function rootOf(thrown: unknown): unknown {
  let last = thrown;
  for (let e: unknown = thrown; e instanceof Error; e = e.cause) {
    if (e instanceof HoldfastError) return e;
    if (e instanceof ApplicationFailure) return errorFromForm(e.type, e.message, e.details);
    last = e;
  }
  return last;
}
