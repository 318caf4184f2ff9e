import { ApplicationFailure, CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import { failureFormOf } from '#core/run/failure-form.ts';

/** HoldfastError → ApplicationFailure (type = code, details = params), the only translation inside activities. */
export function asActivityFailure(thrown: unknown, isGivenUp = false): Error {
  if (
    thrown instanceof ApplicationFailure ||
    thrown instanceof CancelledFailure ||
    thrown instanceof CompleteAsyncError
  )
    return thrown;
  const form = failureFormOf(thrown);
  const isFinal = isGivenUp || !form.isRetryable;
  return ApplicationFailure.create({
    type: form.type,
    message: form.message,
    details: [form.params],
    nonRetryable: isFinal,
  });
}

/** Wraps a step so that whatever it throws crosses Temporal as a registered error. */
export const step =
  <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    try {
      return await run(...args);
    } catch (error) {
      throw asActivityFailure(error);
    }
  };
