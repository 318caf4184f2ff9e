import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import { pollUntil } from '../supervisor/wait.ts';

/** A run as GET /api/v1/runs/{run} tells it; only what the demo reads. */
export interface LiveRun {
  readonly run: {
    readonly id: string;
    readonly state: string;
    readonly setId: string | null;
    readonly outcome: { readonly message?: string; readonly result?: Readonly<Record<string, unknown>> } | null;
  };
  readonly attempt?: number;
  readonly temporalUrl?: string;
}

/** An API that takes this long has gone; only what starts or asks an agent may wait for one. */
const answerWithinMs = { GET: 10_000, POST: 60_000, PUT: 10_000 };
type Method = keyof typeof answerWithinMs;
const finalStates = new Set(['succeeded', 'warned', 'failed', 'cancelled', 'skipped']);

/** The API with the administrator's token, as any integrator would call it. */
export class HoldfastClient {
  private readonly apiUrl: string;
  private readonly token: string;

  constructor(apiUrl: string, tokenPath: string) {
    this.apiUrl = apiUrl;
    this.token = readFileSync(tokenPath, 'utf8').trim();
  }

  get<T>(path: string): Promise<T> {
    return this.ask<T>('GET', path);
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.ask<T>('POST', path, body);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.ask<T>('PUT', path, body);
  }

  /** An answer that is no JSON, as it comes. */
  text(path: string): Promise<string> {
    return this.answer('GET', path);
  }

  run(runId: string): Promise<LiveRun> {
    return this.get<LiveRun>(`/runs/${runId}`);
  }

  /** Waits for the end of a run. Throws `demo_run_failed` when it did not succeed. */
  async untilDone(runId: string, timeoutMs: number): Promise<LiveRun> {
    const live = await this.untilFinal(runId, timeoutMs);
    if (live.run.state === 'succeeded') return live;
    const cause = live.run.outcome?.message ?? JSON.stringify(live.run.outcome);
    throw fail('demo_run_failed', { run: runId, state: live.run.state, cause });
  }

  async untilFinal(runId: string, timeoutMs: number): Promise<LiveRun> {
    return pollUntil(
      async () => {
        const live = await this.run(runId);
        return finalStates.has(live.run.state) ? live : undefined;
      },
      { what: `the end of run ${runId}`, timeoutMs },
    );
  }

  private async ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.answer(method, path, body)) as T;
  }

  private async answer(method: Method, path: string, body?: unknown): Promise<string> {
    const response = await fetch(`${this.apiUrl}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(answerWithinMs[method]),
      headers: {
        authorization: `Bearer ${this.token}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw fail('demo_request_failed', { request: `${method} ${path}`, answer: text.slice(0, 800) });
    return text;
  }
}
