import { Validator } from '@seriousme/openapi-schema-validator';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { registerResource } from '#catalog/resources/resources.ts';
import { addJob } from '#catalog/jobs.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { productVersion } from '#core/version.ts';
import { runWorkflowId } from '#workflows/contract.ts';
import type { Answered, TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import {
  instanceIn,
  newHost as makeHost,
  newPool as makePool,
  newResource as makeResource,
  poolSecret,
} from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBatch, sampleNoOp, sampleSet } from '#tests/support/samples.ts';
import { makeBearer } from './http/bearer.ts';
import { runApi } from './run-api.ts';

let api: TestApi;
let hostId: HostId;
let hostKey: string;
let otherHostKey: string;
let resourceId: ResourceId;
let poolId: PoolId;

const newHost = (name: string) => makeHost(api, name);
const newResource = (name: string, hostOfIt: HostId) => makeResource(api, { name, hostId: hostOfIt });
const newPool = (name: string, hostOfIt: HostId) => makePool(api, name, hostOfIt);

beforeAll(async () => {
  api = await openTestApi();
  ({ id: hostId, key: hostKey } = await newHost('db1'));
  ({ key: otherHostKey } = await newHost('db2'));
  resourceId = await newResource('main', hostId);
  poolId = await newPool('first', hostId);
});
afterAll(() => api.close());

const fieldOf = (answer: Answered, name: string): unknown => z.record(z.string(), z.unknown()).parse(answer.body)[name];
const idOf = (answer: Answered): RunId => parseId('run', z.string().parse(fieldOf(answer, 'id')));
const startFull = async (): Promise<RunId> =>
  idOf(await api.ask('POST', '/api/v1/runs', { kind: 'full-backup', resource: 'main', pool: 'first' }));

test('the OpenAPI document is valid OpenAPI 3.1 and describes every route that is served', async () => {
  const { body } = await api.ask('GET', '/openapi.json');
  const document = z.record(z.string(), z.unknown()).parse(body);
  const verdict = await new Validator().validate(document);
  expect(verdict).toMatchObject({ valid: true });
  expect(document['openapi']).toMatch(/^3\.1/);
  const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(body);
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/api/v1/runs', '/api/v1/restores', '/agent/v1/orders/{run}']),
  );
});

test('every error is a problem with code, remedy and a trace id (RFC 9457)', async () => {
  const { status, body, headers } = await api.ask('GET', `/api/v1/runs/${testIds('run')}`);
  expect(status).toBe(404);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(body).toMatchObject({ code: 'run_unknown', status: 404, class: 'input' });
  expect(z.object({ hint: z.string() }).parse(body).hint).toContain('run ls');
  expect(headers.get('x-request-id')).toBe(z.object({ traceId: z.string() }).parse(body).traceId);
});

test('a malformed request names the place that is wrong', async () => {
  const answer = await api.ask('POST', '/api/v1/runs', {
    kind: 'full-backup',
    resource: 'main',
    pool: 'first',
    options: { channels: 300 },
  });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'request_invalid', params: { pointer: '/options/channels' } });
  expect((await api.ask('GET', '/api/v1/nothing')).body).toMatchObject({ code: 'route_unknown' });
  const broken = await fetch(`${api.url}/api/v1/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.adminToken}`, 'content-type': 'application/json' },
    body: '{',
  });
  expect(broken.status).toBe(400);
});

test('without a valid token nothing is read, and a host key is no API token', async () => {
  expect((await api.ask('GET', '/api/v1/hosts', undefined, { as: '' })).status).toBe(401);
  const foreign = makeBearer('hf', testIds('tok')).text;
  expect((await api.ask('GET', '/api/v1/hosts', undefined, { as: foreign })).body).toMatchObject({
    code: 'token_refused',
  });
  expect((await api.ask('GET', '/api/v1/hosts', undefined, { as: hostKey })).body).toMatchObject({
    code: 'token_refused',
  });
});

test('health and version are open to everybody', async () => {
  for (const path of ['/healthz', '/readyz'])
    expect((await api.ask('GET', path, undefined, { as: '' })).body).toEqual({ ok: true });
  expect((await api.ask('GET', '/version', undefined, { as: '' })).body).toMatchObject({ version: productVersion });
});

test('K-007 an enrolment token enrols one host, once, and not after it expired', async () => {
  const made = await api.ask('POST', '/api/v1/hosts/enrolment-tokens', { hostName: 'fresh' });
  const token = fieldOf(made, 'token');
  const enrol = () =>
    api.ask('POST', '/agent/v1/enrol', { token, hostname: 'fresh', agentVersion: productVersion }, { as: '' });
  const [first, second] = await Promise.all([enrol(), enrol()]);
  expect([first.status, second.status].sort()).toEqual([201, 401]);
  const enrolled = first.status === 201 ? first : second;
  const key = z.string().parse(fieldOf(enrolled, 'hostKey'));
  const report = { agentVersion: productVersion, hostname: 'fresh', disks: [], instances: [instanceIn('/elsewhere')] };
  expect((await api.ask('POST', '/agent/v1/report', report, { as: key })).status).toBe(204);
  expect((await api.ask('GET', '/api/v1/hosts/fresh')).body).toMatchObject({
    isOnline: true,
    report: { hostname: 'fresh' },
  });

  const late = await api.ask('POST', '/api/v1/hosts/enrolment-tokens', {});
  await api.store.catalog.change(
    "update enrolment_token set expires_at = now() - interval '1 s' where used_at is null",
  );
  const refused = await api.ask('POST', '/agent/v1/enrol', {
    token: fieldOf(late, 'token'),
    hostname: 'x',
    agentVersion: productVersion,
  });
  expect(refused.body).toMatchObject({ code: 'enrolment_refused' });
});

test('an agent that is too old is refused with the oldest version that works', async () => {
  const old = await api.ask('POST', '/agent/v1/enrol', { token: 'x', hostname: 'x', agentVersion: '0.0.9' });
  expect(old.body).toMatchObject({ code: 'agent_too_old', params: { version: '0.0.9' } });
  const report = { agentVersion: '0.0.9', hostname: 'db1', disks: [], instances: [] };
  expect((await api.ask('POST', '/agent/v1/report', report, { as: hostKey })).body).toMatchObject({
    code: 'agent_too_old',
  });
});

test('a started run is recorded, handed to Temporal and linked to Temporal Web', async () => {
  const answer = await api.ask('POST', '/api/v1/runs', { kind: 'no-op', host: 'db1', seconds: 0 });
  expect(answer.status).toBe(202);
  const id = idOf(answer);
  expect(answer.headers.get('location')).toBe(`/api/v1/runs/${id}`);
  const shown = await api.ask('GET', `/api/v1/runs/${id}`);
  expect(shown.body).toMatchObject({
    run: { id, state: 'queued' },
    temporalUrl: `http://127.0.0.1:8233/namespaces/default/workflows/run%3A${id}`,
  });
  expect((await api.ask('POST', `/api/v1/runs/${id}/cancel`)).status).toBe(202);
});

test('K-076 every run names the immutable job revision that it executes', async () => {
  const { body } = await api.ask('GET', `/api/v1/runs/${await startFull()}`);
  const { run } = z.object({ run: z.object({ jobId: z.string(), revision: z.number() }) }).parse(body);
  const job = await api.ask('GET', `/api/v1/jobs/${run.jobId}`);
  expect(job.body).toMatchObject({
    id: run.jobId,
    revision: run.revision,
    kind: 'backup',
    spec: { kind: 'full-backup' },
  });
  const list = await api.ask('GET', '/api/v1/jobs?all=true&limit=1');
  expect(list.body).toMatchObject({ data: [{ id: run.jobId }] });
  const missing = await api.ask('GET', `/api/v1/jobs/${testIds('job')}`);
  expect(missing.status).toBe(404);
});

test('an order goes only to the host of its run and only while the run is open', async () => {
  const id = await startFull();
  const path = `/agent/v1/orders/${id}`;
  const order = await api.ask('GET', path, undefined, { as: hostKey });
  expect(order.body).toMatchObject({ kind: 'full-backup', runId: id, pool: { secrets: { passphrase: poolSecret } } });
  expect((await api.ask('GET', path, undefined, { as: otherHostKey })).body).toMatchObject({ code: 'order_refused' });
  expect((await api.ask('GET', path)).body).toMatchObject({ code: 'host_key_refused' });
  await moveRun(api.store.catalog, id, 'cancelled');
  expect((await api.ask('GET', path, undefined, { as: hostKey })).body).toMatchObject({ code: 'order_refused' });
});

test('a set and a batch that an agent tells of appear once, with their pool', async () => {
  const run = await startFull();
  const set = sampleSet(resourceId, run);
  for (let i = 0; i < 2; i++)
    expect((await api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: hostKey })).status).toBe(204);
  expect((await api.ask('GET', `/api/v1/backup-sets/${set.setId}`)).body).toMatchObject({
    poolId,
    summary: { endLsn: set.endLsn },
  });
  const log = idOf(await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'main', pool: 'first' }));
  const batch = sampleBatch(resourceId, log);
  for (let i = 0; i < 2; i++)
    expect((await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, batch, { as: hostKey })).status).toBe(204);
  const foreign = await api.ask(
    'PUT',
    `/agent/v1/sets/${set.setId}`,
    { ...set, setId: testIds('set') },
    { as: hostKey },
  );
  expect(foreign.body).toMatchObject({ code: 'request_invalid' });
});

test('a host tells of foreign sets only while it rebuilds the catalog from a pool', async () => {
  const { id, key } = await newHost('db3');
  await newPool('third', id);
  const set = { ...sampleSet(testIds('res')), systemId: '999' };
  const tell = () => api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: key });
  expect((await tell()).body).toMatchObject({ code: 'pool_of_set_unknown' });
  const run = idOf(await api.ask('POST', '/api/v1/pools/third/rebuild'));
  expect((await api.ask('POST', '/api/v1/pools/third/rebuild')).body).toMatchObject({
    code: 'rebuild_running',
    params: { run },
  });
  expect((await tell()).status).toBe(204);
  expect((await api.ask('GET', `/api/v1/resources/${set.resourceId}`)).body).toMatchObject({ hostId: null });
  await moveRun(api.store.catalog, run, 'cancelled');
});

test('K-080 a log order names every target pool and the log that a running backup still needs', async () => {
  const { id, key } = await newHost('db4');
  const resource = await newResource('fourth', id);
  await newPool('one', id);
  await newPool('two', id);
  const start = async (pool: string) =>
    idOf(await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'fourth', pool }));
  const first = await start('one');
  const batch = sampleBatch(resource, first);
  await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, batch, { as: key });
  await api.ask('POST', '/api/v1/runs', { kind: 'full-backup', resource: 'fourth', pool: 'one' });
  const order = await api.ask('GET', `/agent/v1/orders/${await start('two')}`, undefined, { as: key });
  expect(order.body).toMatchObject({
    pools: [{ name: 'two' }, { name: 'one' }],
    neededFrom: [{ timeline: 1, segment: '000000010000000000000004' }],
  });
  await api.ask('DELETE', '/api/v1/resources/fourth/log-pools/one');
  const later = await api.ask('GET', `/agent/v1/orders/${await start('two')}`, undefined, { as: key });
  expect(fieldOf(later, 'pools')).toHaveLength(1);
});

test('K-064 a full backup of a resource that nobody logged in to is refused before a run is recorded', async () => {
  const { id } = await newHost('db6');
  await registerResource(api.store.catalog, {
    id: testIds('res'),
    hostId: id,
    name: 'sixth',
    found: instanceIn('/sixth'),
  });
  await newPool('sixth', id);
  const answer = await api.ask('POST', '/api/v1/runs', { kind: 'full-backup', resource: 'sixth', pool: 'sixth' });
  expect(answer.body).toMatchObject({ code: 'resource_not_logged_in', params: { resource: 'sixth' } });
  expect(fieldOf(await api.ask('GET', '/api/v1/runs?resource=sixth'), 'data')).toEqual([]);
});

test('a local pool is refused for a resource on another host', async () => {
  const { id } = await newHost('db5');
  await newPool('far', id);
  const answer = await api.ask('POST', '/api/v1/runs', { kind: 'full-backup', resource: 'main', pool: 'far' });
  expect(answer.body).toMatchObject({ code: 'pool_out_of_reach', status: 409 });
});

test('roles: an auditor reads and changes nothing', async () => {
  const id = testIds('tok');
  const token = makeBearer('hf', id);
  await api.store.catalog.change(
    "insert into api_token (id, name, role, secret_sha256) values ($1, 'a', 'auditor', $2)",
    [id, token.sha256],
  );
  expect((await api.ask('GET', '/api/v1/runs', undefined, { as: token.text })).status).toBe(200);
  const refused = await api.ask('POST', '/api/v1/runs', { kind: 'no-op', host: 'db1' }, { as: token.text });
  expect(refused.body).toMatchObject({ code: 'permission_denied', params: { role: 'auditor' } });
  await api.store.catalog.change('update api_token set revoked_at = now() where id = $1', [id]);
  expect((await api.ask('GET', '/api/v1/runs', undefined, { as: token.text })).status).toBe(401);
});

test('log lines of a run are listed, and followed as events until the run ends', async () => {
  const id = await startFull();
  const lines = [{ at: '2026-11-21T08:00:00Z', level: 'info', message: 'copying' }];
  expect((await api.ask('POST', `/agent/v1/runs/${id}/log`, { lines }, { as: hostKey })).status).toBe(204);
  expect((await api.ask('POST', `/agent/v1/runs/${id}/log`, { lines }, { as: otherHostKey })).body).toMatchObject({
    code: 'order_refused',
  });
  const stream = await fetch(`${api.url}/api/v1/runs/${id}/logs`, {
    headers: { authorization: `Bearer ${api.adminToken}`, accept: 'text/event-stream' },
  });
  const [text] = await Promise.all([stream.text(), moveRun(api.store.catalog, id, 'cancelled')]);
  expect(text).toContain('"message":"copying"');
  expect(text).toContain('run is cancelled');
  expect(text).toMatch(/event: end/);
});

test('runs are paged by cursor', async () => {
  const first = await api.ask('GET', '/api/v1/runs?limit=1');
  expect(first.body).toMatchObject({ hasMore: true });
  const next = await api.ask('GET', `/api/v1/runs?limit=1&cursor=${String(fieldOf(first, 'nextCursor'))}`);
  expect(next.body).not.toEqual(first.body);
});

test('a question to a host that is offline is refused at once', async () => {
  const answer = await api.ask('POST', '/api/v1/hosts/db2/discover');
  expect(answer.body).toMatchObject({ code: 'host_offline', params: { host: 'db2' } });
});

test('no secret is in any answer of /api/v1, in the log, or in clear in the catalog', async () => {
  const paths = ['hosts', 'resources', 'pools', 'runs', 'backup-sets', 'health', 'resources/main/log-pools'];
  const answers = await Promise.all(paths.map((path) => api.ask('GET', `/api/v1/${path}`)));
  const shown = JSON.stringify(answers.map((answer) => answer.body));
  for (const secret of [poolSecret, hostKey, api.adminToken]) {
    expect(shown).not.toContain(secret);
    expect(api.log()).not.toContain(secret);
    const rows = await api.store.catalog.change(
      'select 1 from pool_secret where position($1::bytea in sealed_secrets) > 0',
      [Buffer.from(secret)],
    );
    expect(rows).toBe(0);
  }
});

test('a run recorded before the API died is handed to Temporal when it starts again', async () => {
  const id = testIds('run');
  const jobId = testIds('job');
  const spec = sampleNoOp(hostId);
  await addJob(api.store.catalog, { id: jobId, name: 'left behind', spec, createdBy: 'test' });
  await addRun(api.store.catalog, { id, jobId, spec, hostId, startedBy: 'test' });
  const again = await runApi(api.settings, { clock: { nowMs: () => Date.now() }, log: pino({ level: 'silent' }) });
  const connection = await Connection.connect({ address: api.settings.temporalAddress });
  const { workflow } = new Client({ connection });
  await expect
    .poll(
      () =>
        workflow
          .getHandle(runWorkflowId(id))
          .describe()
          .then(
            (d) => d.status.name,
            () => 'none',
          ),
      { timeout: 20_000 },
    )
    .toBe('RUNNING');
  await workflow.getHandle(runWorkflowId(id)).terminate();
  await connection.close();
  await again.close();
});
