import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';

export { codeOf } from '#agent/file-system.ts';

/** A file system error while writing a target, in the words of restores. Registered errors pass as they are. */
export function unwritable(path: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return fail('target_unwritable', { path, reason: error instanceof Error ? error.message : String(error) }, error);
}
