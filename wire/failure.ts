import { ApplicationFailure, CancelledFailure, TemporalFailure } from '@temporalio/common';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { errorFromForm, failureFormOf } from '#core/run/failure-form.ts';

/** HoldfastError → ApplicationFailure: type = code, details = [params]; non-retryable unless waiting can help. */
export function applicationFailureOf(thrown: unknown): ApplicationFailure {
  const form = failureFormOf(thrown);
  return ApplicationFailure.create({
    type: form.type,
    message: form.message,
    details: [form.params],
    nonRetryable: !form.isRetryable,
  });
}

/** What Temporal threw (a workflow, activity or update failure) → the registered error at its root. */
export function errorOfFailure(thrown: unknown, what: string): HoldfastError {
  for (let e: unknown = thrown; e instanceof Error; e = e.cause) {
    if (e instanceof HoldfastError) return e;
    if (e instanceof ApplicationFailure) return errorFromForm(e.type, e.message, e.details);
    if (e instanceof CancelledFailure) return fail('cancelled', { what }, thrown);
    if (e instanceof TemporalFailure && e.cause === undefined) return fail('step_failed', { cause: e.message }, thrown);
  }
  return fail('step_failed', { cause: thrown instanceof Error ? thrown.message : String(thrown) }, thrown);
}
