import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatId } from '#core/id.ts';
import { openChannel } from './channel.ts';
import { enrol } from './enrol.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

let server: Server;
let url = '';
let home = '';
let answer: Answer = { status: 204, body: '' };
let asked: { readonly line: string; readonly bearer: string | undefined; readonly body: string }[] = [];

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts).toString();
};

beforeEach(async () => {
  asked = [];
  home = mkdtempSync(join(tmpdir(), 'hf-channel-'));
  server = createServer((request, response) => {
    void readBody(request).then((body) => {
      asked.push({
        line: `${request.method ?? ''} ${request.url ?? ''}`,
        bearer: request.headers.authorization,
        body,
      });
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
});
afterEach(() => {
  server.close();
  rmSync(home, { recursive: true });
});

const hostId = formatId('host', 1, new Uint8Array(10));
const runId = formatId('run', 1, new Uint8Array(10));
const enrolment = {
  ...{ hostId, hostKey: 'hfh_key', temporalAddress: '127.0.0.1:7233', temporalNamespace: 'default' },
  ...{ payloadKey: 'a2V5', queuePrefix: '' },
};

test('K-007 enrols once with a one-time token and keeps the identity in a file of mode 0600', async () => {
  answer = { status: 201, body: JSON.stringify(enrolment) };
  const tokenFile = join(home, 'token');
  writeFileSync(tokenFile, 'hfe_secret\n');
  const ask = { home: join(home, 'agent'), apiUrl: url, agentVersion: '0.1.0', tokenFile };
  expect(await enrol(ask)).toMatchObject({ hostId, hostKey: 'hfh_key', apiUrl: url });
  expect(asked).toHaveLength(1);
  expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ token: 'hfe_secret', agentVersion: '0.1.0' });
  expect(statSync(join(home, 'agent', 'host.json')).mode & 0o777).toBe(0o600);
  expect(await enrol(ask)).toMatchObject({ hostId });
  expect(asked).toHaveLength(1);
});

test('an agent without identity and token says how to enrol; a damaged identity is named without its content', async () => {
  const ask = { home, apiUrl: url, agentVersion: '0.1.0' };
  await expect(enrol(ask)).rejects.toMatchObject({ code: 'agent_not_enrolled' });
  writeFileSync(join(home, 'host.json'), '{"hostKey":"hfh_secret"');
  const error: unknown = await enrol(ask).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'agent_identity_damaged' });
  expect(String(error)).not.toContain('hfh_secret');
});

test('asks with the host key and parses what it gets', async () => {
  answer = { status: 200, body: JSON.stringify({ kind: 'no-op', runId, hostId, seconds: 1 }) };
  expect(await openChannel(url, 'hfh_key').order(runId)).toMatchObject({ kind: 'no-op', seconds: 1 });
  expect(asked[0]).toMatchObject({ line: `GET /agent/v1/orders/${runId}`, bearer: 'Bearer hfh_key' });
  answer = { status: 200, body: '{"kind":"no-op"}' };
  await expect(openChannel(url, 'k').order(runId)).rejects.toMatchObject({ code: 'api_answer_malformed' });
});

test('a problem of the API arrives as the registered error it is', async () => {
  const problem = { code: 'run_unknown', detail: 'x', params: { run: runId } };
  answer = { status: 404, body: JSON.stringify(problem) };
  await expect(openChannel(url, 'k').order(runId)).rejects.toMatchObject({ code: 'run_unknown', isRetryable: false });
});

test('an API that is away, starting or behind a proxy is an outside trouble; a refusal without a code is not', async () => {
  answer = { status: 502, body: '<html>' };
  await expect(openChannel(url, 'k').order(runId)).rejects.toMatchObject({
    code: 'api_unavailable',
    isRetryable: true,
  });
  answer = { status: 401, body: '' };
  await expect(openChannel(url, 'k').order(runId)).rejects.toMatchObject({ code: 'api_refused', isRetryable: false });
  server.close();
  await expect(openChannel('http://127.0.0.1:1', 'k').order(runId)).rejects.toMatchObject({ code: 'api_unavailable' });
});
