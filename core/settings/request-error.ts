import type { z } from 'zod';
import { fail } from '../errors/fail.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { IdPrefix } from '../id.ts';
import { nounOf } from '../id.ts';
import { reasonOf } from './issue-words.ts';

/** What a shape of an id leaves in its issue, so that the refusal can name the kind. */
export interface IdIssue {
  readonly idKind: IdPrefix;
  readonly text: string;
}

const isIdIssue = (params: unknown): params is IdIssue =>
  typeof params === 'object' && params !== null && 'idKind' in params && 'text' in params;

/**
 * The registered error behind the first thing that a shape refused: `id_malformed` for an id, else `request_invalid`.
 * `pointer` writes the path of the value as the asker knows it.
 */
export function refusalOf(error: z.ZodError, pointer: (path: readonly string[]) => string): HoldfastError {
  const { issue, path } = innermost(error.issues);
  if (issue?.code === 'custom' && isIdIssue(issue.params))
    return fail(
      'id_malformed',
      { kind: issue.params.idKind, noun: nounOf[issue.params.idKind], text: issue.params.text },
      error,
    );
  const reason = issue === undefined ? 'it is not valid' : reasonOf(issue);
  return fail('request_invalid', { pointer: pointer(path.map(String)), reason }, error);
}

interface Placed {
  readonly issue: z.core.$ZodIssue | undefined;
  readonly path: readonly PropertyKey[];
}

/** The first issue; of a value that fits none of several forms that of the form which it fits best. */
function innermost(issues: readonly z.core.$ZodIssue[]): Placed {
  const [issue] = issues;
  const path = issue?.path ?? [];
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return { issue, path };
  const best = issue.errors.reduce((a, b) => (b.length < a.length ? b : a));
  const inner = innermost(best);
  return { issue: inner.issue, path: [...path, ...inner.path] };
}
