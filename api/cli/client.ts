import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';

export interface ApiClient {
  get<T>(shape: z.ZodType<T>, path: string): Promise<T>;
  post<T>(shape: z.ZodType<T>, path: string, body?: unknown): Promise<T>;
  put<T>(shape: z.ZodType<T>, path: string, body: unknown): Promise<T>;
  remove<T>(shape: z.ZodType<T>, path: string): Promise<T>;
  /** Removes something that leaves no word behind. */
  drop(path: string): Promise<void>;
  /** Follows server-sent events until the server ends them; `onEvent` gets the name and the data. */
  follow(path: string, onEvent: (name: string, data: string) => void): Promise<void>;
}

const problemShape = z.looseObject({
  code: z.string(),
  detail: z.string(),
  params: z.record(z.string(), z.string()).default({}),
});

/** An API that is silent for so long about what is only read is away: the slowest answers are those of agents. */
const patienceMs = 120_000;

/** How often, and how far apart, a question whose answer was lost is asked again. */
const patience: Again = { times: 40, everyMs: 700 };

/**
 * Speaks to the API as any integrator would. What starts something is asked again with its key when the answer was lost on the
 * way, so that it happens once. Throws what the API refuses with, `api_unreachable`, `answer_lost`, `answer_malformed`.
 */
export function openClient(url: string, token: string, again: Again = patience): ApiClient {
  const base = url.replace(/\/+$/, '');
  // Why also for what is read of an answer: an API that is killed in the middle breaks it off.
  const away = (cause: unknown): never => {
    throw fail('api_unreachable', { url: base }, cause);
  };
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(`${base}${path}`, { ...init, headers }).catch(away);
    if (!response.ok) throw problemOfAnswer(await response.text().catch(away), base);
    return response;
  };
  const parsed = async <T>(shape: z.ZodType<T>, response: Response): Promise<T> => {
    const result = shape.safeParse(jsonOf(await response.text().catch(away), base));
    if (result.success) return result.data;
    throw fail('answer_malformed', { url: base, reason: z.prettifyError(result.error) }, result.error);
  };
  return {
    get: async (shape, path) => {
      const signal = AbortSignal.timeout(patienceMs);
      return parsed(shape, await send(path, { headers: { accept: 'application/json' }, signal }));
    },
    post: async (shape, path, body) => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      const init = { method: 'POST', headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return untilAnswered(async () => parsed(shape, await send(path, init)), { ...again, url: base });
    },
    put: async (shape, path, body) => {
      const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return parsed(shape, await send(path, init));
    },
    remove: async (shape, path) => parsed(shape, await send(path, { method: 'DELETE' })),
    drop: async (path) => {
      await send(path, { method: 'DELETE' });
    },
    follow: async (path, onEvent) => {
      const response = await send(path, { headers: { accept: 'text/event-stream' } });
      await readEvents(response, onEvent).catch(away);
    },
  };
}

interface Again {
  readonly times: number;
  readonly everyMs: number;
}

/** Asks until there is an answer. A server that was not reached at all has begun nothing, and is not asked again. */
async function untilAnswered<T>(ask: () => Promise<T>, { times, everyMs, url }: Again & { url: string }): Promise<T> {
  for (let left = times, isAsked = false; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HoldfastError) || !(isLost(error) || (isAsked && isBetween(error)))) throw error;
      if (left <= 0) throw fail('answer_lost', { url }, error);
      isAsked = true;
    }
    await wait(everyMs);
  }
}

/** The connection was there and broke, so that the question may have been heard. */
const isLost = ({ code, cause }: HoldfastError): boolean =>
  code === 'api_unreachable' && brokenOff.has(systemCodeOf(cause));

/** After a question that may have been heard: the server is not back, or is at work on it. */
const isBetween = ({ code }: HoldfastError): boolean => code === 'api_unreachable' || code === 'idempotency_in_flight';

const brokenOff: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT'],
  ...['UND_ERR_SOCKET', 'UND_ERR_ABORTED', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
]);

/** What the system says of a connection, through the wrapping of `fetch`; '' when it says nothing. */
function systemCodeOf(cause: unknown): string {
  for (let e = cause; e instanceof Error; e = e.cause) if ('code' in e && typeof e.code === 'string') return e.code;
  return '';
}

async function readEvents(response: Response, onEvent: (name: string, data: string) => void): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data }) => {
      onEvent(event ?? 'message', data);
    },
  });
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const chunk = await reader.read();
    if (chunk.value instanceof Uint8Array) parser.feed(decoder.decode(chunk.value, { stream: true }));
    if (chunk.done) return;
  }
}

function jsonOf(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('answer_malformed', { url, reason: 'not JSON' }, cause);
  }
}

/** The registered error behind a problem: same code, same exit code as where it was thrown. */
function problemOfAnswer(text: string, url: string): HoldfastError {
  const problem = problemShape.safeParse(jsonOf(text, url));
  if (!problem.success) return fail('answer_malformed', { url, reason: 'neither an answer nor a problem' });
  const { code, detail, params } = problem.data;
  return isErrorCode(code) ? new HoldfastError(code, params) : fail('api_code_unknown', { code, reason: detail });
}
