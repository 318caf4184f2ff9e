import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { errors } from '#core/errors/errors.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { refusalOf } from '#core/settings/request-error.ts';

/** RFC 9457 problem details. `code` is the durable name, `hint` the remedy; `zh` the same in Chinese. */
export const problemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    class: z.string(),
    params: z.record(z.string(), z.string()),
    hint: z.string(),
    zh: z.object({ detail: z.string(), hint: z.string() }),
    isRetryable: z.boolean(),
    traceId: z.string(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemShape>;

/** Writes any thrown value as a problem. What is not registered is a bug of ours and says nothing of its inside. */
export function problemOf(thrown: unknown, instance: string, traceId: string): Problem {
  const error = registeredOf(thrown, traceId);
  const { message, hint } = error.inChinese();
  return {
    type: `/problems/${error.code}`,
    title: error.code.replaceAll('_', ' '),
    status: errors[error.code].http,
    detail: error.message,
    instance,
    code: error.code,
    class: error.class,
    params: { ...error.params },
    hint: error.hint,
    zh: { detail: message, hint },
    isRetryable: error.isRetryable,
    traceId,
  };
}

function registeredOf(thrown: unknown, traceId: string): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  if (thrown instanceof z.ZodError) return refusalOf(thrown, (path) => `/${path.join('/')}`);
  if (isBodyParserError(thrown)) return fail('request_invalid', { pointer: '/', reason: thrown.message }, thrown);
  return fail('bug', { what: `an error without a code, trace ${traceId}` }, thrown);
}

/** What express.json() throws for a body that is too large or not JSON. */
const isBodyParserError = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && 'type' in thrown && typeof thrown.type === 'string' && thrown.type.startsWith('entity.');
