import { fail } from '../errors/fail.ts';
import { HoldfastError, isErrorCode } from '../errors/holdfast-error.ts';
import { cutText } from '../text.ts';

/** An error as it crosses Temporal: type = code, details = [params]. Text of foreign errors never crosses as itself. */
export interface FailureForm {
  readonly type: string;
  readonly message: string;
  readonly params: Readonly<Record<string, string>>;
  /** Classes nobody's waiting can help (style §3.7) are not retried. */
  readonly isRetryable: boolean;
}

/** Writes any thrown value as a failure. What is not in the registry becomes `step_failed` with its text as the cause. */
export function failureFormOf(thrown: unknown): FailureForm {
  const error = thrown instanceof HoldfastError ? thrown : fail('step_failed', { cause: textOf(thrown) }, thrown);
  return { type: error.code, message: error.message, params: error.params, isRetryable: error.isRetryable };
}

/** Reads a failure back. A code this version does not know becomes `step_failed`. */
export function errorFromForm(
  type: string | null | undefined,
  message: string,
  details: readonly unknown[] | null | undefined,
): HoldfastError {
  if (type === null || type === undefined || !isErrorCode(type)) return fail('step_failed', { cause: message });
  return new HoldfastError(type, textParams(details?.[0]));
}

/** Keeps the text entries of a foreign value. */
export function textParams(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

const textOf = (thrown: unknown): string => cutText(thrown instanceof Error ? thrown.message : String(thrown), 500);
