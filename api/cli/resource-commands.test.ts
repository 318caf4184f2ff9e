import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { addHost, storeReport } from '#catalog/hosts.ts';
import { addPool } from '#catalog/pools/pools.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { moveRun } from '#catalog/runs/runs.ts';
import type { HostId, PoolId, ResourceId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { resultLines } from './commands/runs/result-words.ts';

let api: TestApi;
let hostId: HostId;
let poolId: PoolId;
beforeAll(async () => {
  api = await openTestApi();
  hostId = testIds('host');
  poolId = testIds('pool');
  const keySha256 = makeBearer('hfh', hostId).sha256;
  const host = { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256 };
  await addHost(api.store.catalog, host);
  await addPool(api.store.catalog, {
    ...{ id: poolId, name: 'first', place: { kind: 'local', directory: '/pool' }, hostId },
    ...{ isEncrypted: false, sealedSecrets: new Uint8Array(1) },
  });
});
afterAll(() => api.close());

const instanceIn = (dataDirectory: string) => ({
  ...{ engine: 'postgresql', dataDirectory, port: 5432, socket: '/tmp', serverMajor: 18, isRunning: true },
  systemId: sampleSystemId,
});

const register = (name: string, id: ResourceId = testIds('res')): Promise<ResourceId> =>
  registerResource(api.store.catalog, { id, hostId, name, found: instanceIn(`/${name}`) });

const holdfast = (...line: string[]) => runLine(api, line);

test('an id that is malformed is refused by the kind that was expected, on the command line and by the API', async () => {
  const typed = await holdfast('run', 'show', 'set_1');
  expect(typed.code).toBe(2);
  expect(typed.err).toMatch(/^"set_1" is not a run id \(id_malformed\)/);
  const asked = await holdfast('restore', 'plan', '--resource', 'x', '--latest', '--to', '/copy', '--set', 'run_2');
  expect(asked.err).toMatch(/^"run_2" is not a set id \(id_malformed\)/);
  const { status, body } = await api.ask('GET', '/api/v1/runs/nonsense');
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'id_malformed', params: { kind: 'run', text: 'nonsense' } });
});

test('a resource gets another name, never one that is taken', async () => {
  const id = await register('old');
  await register('taken');
  expect((await holdfast('resource', 'rename', 'old', 'taken')).err).toContain('name_taken');
  expect((await holdfast('resource', 'rename', 'old', 'new one')).code).toBe(2);
  expect(await holdfast('resource', 'rename', 'old', 'new')).toMatchObject({ code: 0, out: 'old is now new.\n' });
  expect((await api.ask('GET', '/api/v1/resources/new')).body).toMatchObject({ id });
});

test('a resource with a run that is not over is not removed; the run is named', async () => {
  const id = await register('busy');
  const started = await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'busy', pool: 'first' });
  const run = parseId('run', String(Object.entries(started.body ?? {}).find(([name]) => name === 'id')?.[1]));
  expect((await holdfast('run', 'ls', '--resource', 'busy')).out).toMatch(
    new RegExp(`^RUN +KIND +RESOURCE +STATE.*\\n${run} +log-backup +busy +queued`),
  );
  const refused = await holdfast('resource', 'rm', 'busy');
  expect(refused.code).toBe(3);
  expect(refused.err).toMatch(new RegExp(`runs that are not over: ${run} \\(resource_busy\\)`));
  await moveRun(api.store.catalog, run, 'cancelled');
  expect(await holdfast('resource', 'rm', 'busy')).toMatchObject({ code: 0 });
  expect((await api.ask('GET', `/api/v1/resources/${id}`)).body).toMatchObject({ code: 'resource_unknown' });
  expect((await api.ask('GET', `/api/v1/runs/${run}`)).body).toMatchObject({ run: { id: run, resourceId: null } });
});

test('a removed resource keeps its sets, can be restored, and gets them back when it is registered again', async () => {
  const id = await register('kept');
  const set = sampleSet(id);
  await indexSet(api.store.catalog, set, poolId);
  const removed = await holdfast('resource', 'rm', 'kept');
  expect(removed.out).toMatch(/1 backup sets and 0 log batches stay in their pools: restore them as before/);
  expect((await api.ask('GET', '/api/v1/resources/kept')).body).toMatchObject({ hostId: null, isLoggedIn: false });
  const plan = await holdfast('restore', 'plan', '--resource', 'kept', '--immediate', '--to', '/copy', '--json');
  expect(JSON.parse(plan.out)).toMatchObject({
    plan: { setId: set.setId },
    findings: [{ check: 'place', verdict: 'warn', detail: 'not looked at: Host db1 is not online' }],
  });
  const found = instanceIn('/kept');
  expect(await registerResource(api.store.catalog, { id: testIds('res'), hostId, name: 'again', found })).toBe(id);
  expect((await api.ask('GET', `/api/v1/backup-sets/${set.setId}`)).body).toMatchObject({ resourceId: id });
});

test('the list of hosts fits 100 columns, and shows the disk with the least room', async () => {
  const disk = (path: string, freeBytes: number) => ({ path, freeBytes, totalBytes: 2 ** 50 });
  await storeReport(api.store.catalog, hostId, {
    ...{ agentVersion: '0.1.0', hostname: 'db1', instances: [] },
    disks: [
      disk('/var/lib/holdfast-agent', 2 ** 49),
      disk(`/srv/${'deep/'.repeat(30)}data`, Math.floor(1023.9 * 2 ** 30)),
    ],
  });
  const { out } = await holdfast('host', 'ls');
  expect(out).toMatch(/1023\.9 GiB at …\S+data\n/);
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('the result of a run is told in words, not in JSON', () => {
  const lines = resultLines({
    ...{ directory: '/copy', timeline: 2, reachedLsn: '0/5000000', isOpen: true, port: 6001, socket: '/run/copy' },
    ...{ lastTransactionAt: '2026-11-21T08:00:00.123456Z', bytesWritten: 3 * 2 ** 20, warnings: [] },
    secondsByPhase: { write: 2, recover: 0.5 },
  });
  expect(lines).toEqual([
    'open in /copy: psql -h /run/copy -p 6001 -U postgres -d postgres',
    'stop it with pg_ctl -D /copy stop',
    'directory: /copy',
    'timeline: 2',
    'reached LSN: 0/5000000',
    'last transaction at: 2026-11-21 08:00:00Z',
    'bytes written: 3.0 MiB',
    'seconds by phase: write 2, recover 0.5',
  ]);
  expect(resultLines(undefined)).toEqual([]);
  const opener = { shell: 'ksql', control: 'sys_ctl', user: 'system', database: 'test' };
  const opened = {
    directory: '/copy',
    isOpen: true,
    port: 6001,
    socket: '/run/copy',
    warnings: [{ code: 'c', detail: 'd' }],
  };
  expect(resultLines(opened, { except: ['warnings'], opener })).toEqual([
    'open in /copy: ksql -h /run/copy -p 6001 -U system -d test',
    'stop it with sys_ctl -D /copy stop',
    'directory: /copy',
  ]);
});
