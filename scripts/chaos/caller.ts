import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';

const answerWithinMs = 60_000;
const lookWithinMs = 5000;
const againMs = 300;
/** Longer than any part is away, and as long as a run may take to end (build.md "Kills"). */
const givesUpAfterMs = 120_000;
const firstServerError = 500;
const tooMany = 429;
const conflict = 409;

/** The API as a careful integrator calls it: what got no answer is asked again under the same key, as often as it takes. */
export class Caller {
  private readonly apiUrl: string;
  private readonly token: string;
  private readonly signal: AbortSignal;

  constructor(apiUrl: string, tokenPath: string, signal: AbortSignal) {
    this.apiUrl = apiUrl;
    this.token = readFileSync(tokenPath, 'utf8').trim();
    this.signal = signal;
  }

  /** Throws what keeps the answer away. */
  async look<T>(path: string): Promise<T> {
    const response = await this.send(path, { method: 'GET' }, lookWithinMs);
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as T;
    throw fail('demo_request_failed', { request: `GET ${path}`, answer: text.slice(0, 800) });
  }

  get<T>(path: string): Promise<T> {
    return this.untilAnswered<T>(path, { method: 'GET' });
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.untilAnswered<T>(path, { method: 'POST', body: JSON.stringify(body) });
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.untilAnswered<T>(path, { method: 'PUT', body: JSON.stringify(body) });
  }

  /** Throws `demo_request_failed` when it is refused or never answered, and `stack_interrupted` when we are ended. */
  private async untilAnswered<T>(path: string, init: RequestInit): Promise<T> {
    const key = randomUUID();
    const end = performance.now() + givesUpAfterMs;
    for (;;) {
      const { status, text } = await this.once(path, init, key);
      if (this.signal.aborted) throw fail('stack_interrupted', { home: path });
      if (status >= 200 && status < 300) return JSON.parse(text) as T;
      if (!isAskedAgain(status, text) || performance.now() > end)
        throw fail('demo_request_failed', { request: `${String(init.method)} ${path}`, answer: text.slice(0, 800) });
      await pause(againMs);
    }
  }

  /** Status 0: no answer. */
  private async once(path: string, init: RequestInit, key: string): Promise<{ status: number; text: string }> {
    try {
      const response = await this.send(path, init, answerWithinMs, key);
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      return { status: 0, text: `no answer: ${String(cause)}` };
    }
  }

  private send(path: string, init: RequestInit, withinMs: number, key = ''): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    return fetch(`${this.apiUrl}/api/v1${path}`, {
      ...init,
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(withinMs)]),
      headers: key === '' ? headers : { ...headers, 'idempotency-key': key },
    });
  }
}

/** What passes by itself: a part that is away, an earlier try that is not over. */
const isAskedAgain = (status: number, text: string): boolean =>
  status === 0 ||
  status >= firstServerError ||
  status === tooMany ||
  (status === conflict && text.includes('idempotency_in_flight'));
