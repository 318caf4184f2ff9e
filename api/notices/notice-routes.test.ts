import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import { addEvent, eventsAfter } from '#catalog/notices/events.ts';
import { storeLoginCheck } from '#catalog/resources/resource-figures.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import { eventShape } from '#core/settings/shape/event.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleSet } from '#tests/support/samples.ts';
import { addApiToken } from '#catalog/tokens.ts';
import { testIds } from '#tests/support/catalog.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { openProtections } from '../protection.ts';
import { lookOnce } from './watch-conditions.ts';

let api: TestApi;
let receiver: Server;
let url: string;
let resourceId: ResourceId;
let poolId: PoolId;
let auditor: string;
const bodies: string[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => response.writeHead(200).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  url = `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}/hook?key=hidden`;
  api = await openTestApi({ noticeAllow: '127.0.0.1/32' });
  const host = await newHost(api, 'db1');
  resourceId = await newResource(api, { name: 'orders', hostId: host.id });
  poolId = await newPool(api, 'safe', host.id);
  const id = testIds('tok');
  const { text, sha256 } = makeBearer('hf', id);
  await addApiToken(api.store.catalog, { id, name: 'auditor', role: 'auditor', sha256 });
  auditor = text;
});
afterAll(async () => {
  await api.close();
  receiver.close();
});

test('a webhook is added, tested, rotated and removed by command line; its secret is shown once', async () => {
  const added = await runLine(api, ['webhook', 'add', 'ops', '--url', url, '--events', 'problems']);
  expect(added).toMatchObject({ code: 0 });
  expect(added.out).toMatch(/whsec_[A-Za-z0-9+/=]{44}/);
  const tried = await runLine(api, ['webhook', 'test', 'ops']);
  expect(tried.out).toMatch(/channel\.test\s+delivered\s+1/);
  expect(bodies.join('')).toContain('"type":"channel.test"');
  const shown = await runLine(api, ['webhook', 'show', 'ops', '--json']);
  expect(shown.out).not.toMatch(/whsec_|hidden/);
  expect((await runLine(api, ['webhook', 'rotate', 'ops', '--hours', '2'])).out).toMatch(/former one signs too until/);
  expect((await runLine(api, ['webhook', 'ls'])).out).toMatch(/ops .*problems +enabled/);
  expect((await runLine(api, ['webhook', 'rm', 'ops'])).code).toBe(0);
  expect((await runLine(api, ['webhook', 'show', 'ops'])).err).toContain('channel_unknown');
});

test('what a channel may not do is refused before anything is stored', async () => {
  const refusal = async (...line: string[]) => (await runLine(api, line)).err;
  expect(await refusal('webhook', 'add', 'x', '--url', 'https://10.0.0.1/')).toContain('webhook_address_refused');
  expect(await refusal('webhook', 'add', 'x', '--url', 'http://8.8.8.8/')).toContain('webhook_url_refused');
  expect(await refusal('webhook', 'add', 'x', '--url', url, '--events', 'run.exploded')).toContain(
    '--events is not taken',
  );
  expect(await refusal('mail', 'add', 'x', '--to', 'dba@example.org')).toContain('mail_not_configured');
  const body = { name: 'x', place: { kind: 'webhook', url }, types: ['*'] };
  expect((await api.ask('POST', '/api/v1/channels', body, { as: auditor })).status).toBe(403);
  expect((await api.ask('GET', '/api/v1/channels/webhooks')).body).toMatchObject({ data: [] });
});

test('events are followed as they happen, and a client that was cut off goes on behind the last one it has', async () => {
  await addEvent(api.store.catalog, { type: 'drill.failed', resourceId, data: { resource: 'orders' } });
  const [before] = (await eventsAfter(api.store.catalog, 0, 200)).toReversed();
  await addEvent(api.store.catalog, { type: 'drill.passed', resourceId, data: { resource: 'orders' } });
  const cut = new AbortController();
  const response = await fetch(`${api.url}/api/v1/events/stream?types=drill.*`, {
    headers: { authorization: `Bearer ${api.adminToken}`, 'last-event-id': String(before?.seq) },
    signal: cut.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const seen: string[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      seen.push(eventShape.parse(JSON.parse(data)).type);
    },
  });
  await addEvent(api.store.catalog, { type: 'drill.stale', resourceId });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (seen.length < 2) parser.feed(z.string().parse((await reader?.read())?.value));
  expect(seen).toEqual(['drill.passed', 'drill.stale']);
  cut.abort();
  const { out } = await runLine(api, ['events', '--types', 'drill.*', '--resource', 'orders', '--limit', '2']);
  expect(out.trim().split('\n')).toHaveLength(2);
  expect((await runLine(api, ['events', '--types', 'nonsense'])).err).toContain('event_type_unknown');
});

test('K-067 a target that is missed is told once, and once when it is kept again; the same of logins that are refused', async () => {
  const { catalog } = api.store;
  const ports = { catalog, protections: openProtections(catalog) };
  const lookAt = (ms: number) => lookOnce({ ...ports, clock: { nowMs: () => ms } });
  const look = (aheadMs: number) => lookAt(Date.now() + aheadMs);
  const told = async () =>
    (await eventsAfter(catalog, 0, 200)).map(({ type }) => type).filter((type) => /^(rpo|resource)\./.test(type));
  expect((await runLine(api, ['target', 'set', 'orders', '--rpo', '15m', '--rto', '1h'])).out).toContain(
    'RPO 15m, RTO 1h',
  );
  await look(0);
  expect(await told()).toEqual([]);
  await look(16 * 60_000);
  await look(17 * 60_000);
  expect(await told()).toEqual(['rpo.breached']);
  const set = sampleSet(resourceId);
  await indexSet(catalog, set, poolId);
  await lookAt(Date.parse(set.endedAt) + 60_000);
  await lookAt(Date.parse(set.endedAt) + 61_000);
  expect(await told()).toEqual(['rpo.breached', 'rpo.recovered']);
  await storeLoginCheck(catalog, resourceId, true);
  await lookAt(Date.parse(set.endedAt) + 60_000);
  await lookAt(Date.parse(set.endedAt) + 61_000);
  await storeLoginCheck(catalog, resourceId, false);
  await lookAt(Date.parse(set.endedAt) + 60_000);
  expect((await told()).slice(2)).toEqual(['resource.login_required', 'resource.logged_in']);
  expect((await runLine(api, ['status'])).out).toMatch(/orders +\w+ .* of 15m/);
  expect((await runLine(api, ['target', 'rm', 'orders'])).code).toBe(0);
  expect((await runLine(api, ['target', 'rm', 'orders'])).err).toContain('target_missing');
});

test('metrics need a token and name what monitoring alarms on', async () => {
  expect((await fetch(`${api.url}/metrics`)).status).toBe(401);
  const response = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${auditor}` } });
  expect(response.headers.get('content-type')).toContain('version=0.0.4');
  const text = await response.text();
  for (const line of [
    ...[
      /^backup_rpo_seconds\{resource="orders"\} \d+/m,
      /^backup_last_success_timestamp_seconds\{resource="orders",type="full"\}/m,
    ],
    ...[
      /^host_up\{host="db1"\} 0$/m,
      /^http_request_duration_seconds_count\{.*route="\/api\/v1\/channels".*status="4xx"/m,
    ],
  ])
    expect(text).toMatch(line);
  expect(text).not.toContain(resourceId);
});
