import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import { cutText } from '#core/text.ts';

const timeoutMs = 30_000;
const problemShape = z.looseObject({
  code: z.string(),
  detail: z.string(),
  params: z.record(z.string(), z.string()).default({}),
});

/** One request to `/agent/v1`. */
export interface ChannelCall {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** The host key; absent only at enrolment. */
  readonly bearer?: string;
  readonly body?: unknown;
}

/**
 * Makes one request and parses its answer. Throws the registered error the API answered with, `api_unavailable` when it
 * did not answer or is starting, `api_refused` for a refusal without a code, `api_answer_malformed`.
 */
export async function callApi<T>(call: ChannelCall, shape: z.ZodType<T>): Promise<T> {
  const request = `${call.method} ${call.path}`;
  const { status, text } = await exchange(call, request);
  if (status >= 400) throw refusalOf(call.url, request, status, text);
  try {
    return shape.parse(text === '' ? undefined : JSON.parse(text));
  } catch (cause) {
    throw fail('api_answer_malformed', { request, cause: textOf(cause) }, cause);
  }
}

interface Exchanged {
  readonly status: number;
  readonly text: string;
}

/**
 * A kept connection may be closed by the other side in the moment that it is used again: what may be asked twice (RFC 9110
 * §9.2.2) is asked once more, over a new one.
 */
async function exchange(call: ChannelCall, request: string): Promise<Exchanged> {
  try {
    return await ask(call).catch((cause: unknown) => {
      if (call.method === 'POST' || !wasClosed(cause)) throw cause;
      return ask(call);
    });
  } catch (cause) {
    throw fail('api_unavailable', { url: call.url, request, cause: textOf(cause) }, cause);
  }
}

const closedCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const causeShape = z.looseObject({ cause: z.looseObject({ code: z.string() }) });

function wasClosed(error: unknown): boolean {
  const told = causeShape.safeParse(error);
  return told.success && closedCodes.has(told.data.cause.code);
}

async function ask({ url, method, path, bearer, body }: ChannelCall): Promise<Exchanged> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(new URL(path, url), {
    method,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

function refusalOf(url: string, request: string, status: number, text: string): HoldfastError {
  const problem = problemShape.safeParse(parsed(text));
  if (problem.success && isErrorCode(problem.data.code))
    return new HoldfastError(problem.data.code, problem.data.params);
  const cause = problem.success ? problem.data.detail : `HTTP ${String(status)}`;
  if (status === 429 || status >= 500) return fail('api_unavailable', { url, request, cause });
  return fail('api_refused', { request, status: String(status), cause });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Why: a proxy in between answers HTML; the status says enough then.
    return undefined;
  }
}

/** fetch says only "fetch failed"; the reason is its cause. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : cutText(error.message, 500);
}
