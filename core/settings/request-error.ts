import type { z } from 'zod';
import { fail } from '../errors/fail.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';

/** What a shape of an id leaves in its issue, so that the refusal can name the kind. */
export interface IdIssue {
  readonly idKind: string;
  readonly text: string;
}

const isIdIssue = (params: unknown): params is IdIssue =>
  typeof params === 'object' && params !== null && 'idKind' in params && 'text' in params;

/**
 * The registered error behind the first thing that a shape refused: `id_malformed` for an id, else `request_invalid`.
 * `pointer` writes the path of the value as the asker knows it.
 */
export function refusalOf(error: z.ZodError, pointer: (path: readonly string[]) => string): HoldfastError {
  const [issue] = error.issues;
  if (issue?.code === 'custom' && isIdIssue(issue.params))
    return fail('id_malformed', { kind: issue.params.idKind, text: issue.params.text }, error);
  const path = (issue?.path ?? []).map(String);
  return fail('request_invalid', { pointer: pointer(path), reason: issue?.message ?? 'not valid' }, error);
}
