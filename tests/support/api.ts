import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { RunningApi } from '#api/run-api.ts';
import { runApi } from '#api/run-api.ts';
import { initialise } from '#api/init.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import { serverSettings } from '#core/settings/server-settings.ts';
import type { TestCatalog } from './catalog.ts';
import { openTestCatalog } from './catalog.ts';
import { openFolder } from './folder.ts';
import { temporalAddress } from './temporal.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface TestApi {
  readonly url: string;
  readonly home: string;
  readonly adminToken: string;
  readonly settings: ServerSettings;
  readonly store: TestCatalog;
  /** Log lines of the API so far. */
  log(): string;
  /** One request; `as` is a bearer token, the administrator's unless told otherwise, '' for none. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    options?: { as?: string; headers?: Record<string, string> },
  ): Promise<Answered>;
  close(): Promise<void>;
}

/** A real API on a real catalog and the run's Temporal server; every answer is checked against its own OpenAPI shape. */
export async function openTestApi(more: Readonly<Record<string, string>> = {}): Promise<TestApi> {
  const store = await openTestCatalog({ isEmpty: true });
  const folder = openFolder('hf-api-');
  const settings = serverSettings.parse({
    home: folder.path,
    catalogUrl: store.url,
    temporalAddress: await temporalAddress(),
    queuePrefix: `${randomUUID().slice(0, 8)}:`,
    temporalUiUrl: 'http://127.0.0.1:8233/',
    apiPort: 0,
    ...more,
  });
  const clock = { nowMs: () => Date.now() };
  await initialise(settings, clock);
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const api: RunningApi = await runApi(settings, { clock, log }, { checksAnswers: true });
  const adminToken = (await readFile(`${folder.path}/admin.token`, 'utf8')).trim();
  return {
    ...{ url: api.url, home: folder.path, adminToken, settings, store },
    log: () => lines.join(''),
    ask: async (method, path, body, { as = adminToken, headers = {} } = {}) => {
      const response = await fetch(`${api.url}${path}`, {
        method,
        headers: {
          ...(as === '' ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    close: async () => {
      await api.close();
      await store.close();
      folder.remove();
    },
  };
}
