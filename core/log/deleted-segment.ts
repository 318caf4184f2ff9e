import type { Instant } from '../instant.ts';
import { microsOfInstant } from '../instant.ts';

/** What the notes in a pool say of a segment that plans deleted. */
export interface DeletedSegment {
  /** SHA-256 of what was deleted under its name; none when only its place was noted. */
  readonly rawSha256: ReadonlySet<string>;
  /** When its place was noted last. */
  readonly at: Instant;
}

/** `unproven`: it may be the deleted log or not. */
export type DeletedVerdict = 'deleted' | 'other' | 'unproven';

/**
 * Whether a file of an archive is the log that a plan deleted. Its name does not tell: a server that was put back to an earlier
 * state, or a copy of it, writes other log under the same names. Only the content proves it; without its hash a file that was
 * written after the deletion is taken for other log.
 */
export function judgeDeleted(
  deleted: DeletedSegment,
  file: { readonly rawSha256: string; readonly mtimeMs: number },
): DeletedVerdict {
  if (deleted.rawSha256.has(file.rawSha256)) return 'deleted';
  return deleted.rawSha256.size > 0 || file.mtimeMs * 1000 > microsOfInstant(deleted.at) ? 'other' : 'unproven';
}
