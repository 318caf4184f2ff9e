import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';

const fullCodes = new Set([
  'XMinioStorageFull',
  'QuotaExceeded',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
]);
const refusedCodes = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AccountProblem',
  'AllAccessDisabled',
]);
const missingCodes = new Set(['NoSuchKey', 'NotFound']);

/** The S3 code of an error, or the system code of a socket error, '' for neither. */
export function s3Code(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

export const isMissing = (error: unknown): boolean => missingCodes.has(s3Code(error));
/** What the server answered, as opposed to a failure on the way. By name: the class would load the S3 client. */
const isAnswer = (error: unknown): boolean => error instanceof Error && error.name === 'S3Error';
/**
 * The object was there already: answer to `If-None-Match: *`. Not so `ConditionalRequestConflict` (409): another upload of the
 * same key is under way, perhaps our own that was cut off, and may never end. It is asked again, as the service says.
 */
export const isTaken = (error: unknown): boolean => s3Code(error) === 'PreconditionFailed';
/** The server does not know conditional writes. */
export const isUnsupported = (error: unknown): boolean => s3Code(error) === 'NotImplemented';

/** An S3 error in the words of pools. Keys and secrets never enter the text: only the server's code and message do. */
export function s3Error(pool: string, error: unknown): HoldfastError {
  const code = s3Code(error);
  const message = error instanceof Error ? error.message : String(error);
  const why = isAnswer(error) && code !== '' ? `${code}: ${message}` : message;
  if (fullCodes.has(code)) return fail('pool_full', { pool, why }, error);
  if (refusedCodes.has(code)) return fail('pool_refused', { pool, why }, error);
  return fail('pool_unreachable', { pool, why }, error);
}
