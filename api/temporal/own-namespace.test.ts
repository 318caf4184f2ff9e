import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRun, moveRun, runShape } from '#catalog/runs/runs.ts';
import { namespaceOfCatalog } from '#catalog/temporal-home.ts';
import { seenNamespace } from '#wire/seen-namespace.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';
import { initialise } from '#api/init.ts';
import { openLostRuns } from './lost-runs.ts';
import { runApi } from '#api/run-api.ts';
import { openRunDoor } from './temporal.ts';

const clock = { nowMs: () => Date.now() };
const log = pino({ level: 'silent' });
const foreign = `foreign-${randomUUID()}`;
let api: TestApi;
let client: Client;

beforeAll(async () => {
  api = await openTestApi();
  await newHost(api, 'db1');
  const connection = await Connection.connect({ address: api.settings.temporalAddress });
  client = new Client({ connection, namespace: foreign });
  const retention = { workflowExecutionRetentionPeriod: msToTs(86_400_000) };
  await connection.workflowService.registerNamespace({ namespace: foreign, ...retention });
});
afterAll(async () => {
  await client.connection.close();
  await api.close();
});

const refused = { code: 'temporal_namespace_foreign', params: { namespace: foreign, own: 'default' } };
const elsewhere = () => ({ ...api.settings, temporalNamespace: foreign, apiPort: 0 });

test('init and API refuse a Temporal namespace that is not the one of the catalog, before anything is done there', async () => {
  await expect(initialise(elsewhere(), clock)).rejects.toMatchObject(refused);
  const unheard = { ...elsewhere(), temporalNamespace: `unheard-${randomUUID()}` };
  await expect(initialise(unheard, clock)).rejects.toMatchObject({ code: refused.code, params: { found: 'none' } });
  const there = new Client({ connection: client.connection, namespace: unheard.temporalNamespace });
  expect(await seenNamespace(there)).toBeUndefined();
  await expect(runApi(elsewhere(), { clock, log })).rejects.toMatchObject(refused);
});

test('no run is closed as lost by looking into the namespace of another catalog', async () => {
  const { catalog } = api.store;
  const run = runShape.parse((await api.ask('POST', '/api/v1/runs', { kind: 'no-op', host: 'db1' })).body).id;
  await moveRun(catalog, run, 'running');
  let passedMs = 0;
  const later = { nowMs: () => Date.now() + passedMs };
  const look = openLostRuns({ catalog, clock: later, log, runs: openRunDoor(client, api.settings.queuePrefix, clock) });
  await expect(look()).rejects.toMatchObject(refused);
  passedMs = 60 * 60_000;
  await expect(look()).rejects.toMatchObject(refused);
  expect((await getRun(catalog, run)).state).toBe('running');
});

test('a namespace is taken in the place of one that is gone only when it is said so', async () => {
  await initialise(elsewhere(), clock, { adoptsNamespace: true });
  expect(await namespaceOfCatalog(api.store.catalog)).toEqual(await seenNamespace(client));
  await initialise(api.settings, clock, { adoptsNamespace: true });
  expect(await namespaceOfCatalog(api.store.catalog)).toMatchObject({ namespace: 'default' });
});
