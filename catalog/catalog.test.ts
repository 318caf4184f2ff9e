import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import { parseInstant } from '#core/instant.ts';
import { canShare } from '#core/run/lane.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleBackup, sampleBatch, sampleNoOp, sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { getSet, indexSet, listSets, setsOfDatabase, setsOfFull } from './backup-sets.ts';
import { dumpSchema } from './dump-schema.ts';
import { addHost } from './hosts.ts';
import { addJob } from './jobs.ts';
import { takeKey } from './runs/idempotency-keys.ts';
import { batchesOf, indexBatch, lastBatchesBefore } from './log-batches.ts';
import { demandMigrated, knownMigrations, migrate } from './migrate.ts';
import { addPool } from './pools/pools.ts';
import { getResource, registerResource } from './resources/resources.ts';
import { openRunBook } from './runs/run-book.ts';
import { addRun, addRunEvents, getRun, listRuns, moveRun, runEventsAfter, tellOfLateSet } from './runs/runs.ts';
import { unusableSets } from './pools/set-standing.ts';
import { addEnrolmentToken, lockEnrolmentToken, useEnrolmentToken } from './tokens.ts';

let testCatalog: TestCatalog;
const db = () => testCatalog.catalog;
let hostId: HostId;
let poolId: PoolId;
let resourceId: ResourceId;
const found = {
  engine: 'postgresql',
  dataDirectory: '/var/lib/pg/18',
  port: 5432,
  socket: '/tmp',
  serverMajor: 18,
  systemId: sampleSystemId,
  isRunning: true,
};

beforeAll(async () => {
  testCatalog = await openTestCatalog();
  hostId = testIds('host');
  await addHost(db(), { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256: randomBytes(32) });
  resourceId = await registerResource(db(), { id: testIds('res'), hostId, name: 'main', found });
  poolId = testIds('pool');
  const place = { kind: 'local', directory: '/pool' } as const;
  await addPool(db(), { id: poolId, name: 'first', place, isEncrypted: false, hostId, sealedSecrets: randomBytes(40) });
});
afterAll(() => testCatalog.close());

const newRun = async (spec: JobSpec, setId = testIds('set')): Promise<RunId> => {
  const id = testIds('run');
  const jobId = testIds('job');
  await addJob(db(), { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  const forResource = spec.kind === 'full-backup' ? { resourceId: spec.resourceId, setId } : {};
  await addRun(db(), { id, jobId, spec, hostId, startedBy: 'test', ...forResource });
  return id;
};

test('migrations are applied once, and the schema is the reviewed one', async () => {
  expect(await migrate(db())).toEqual([]);
  await demandMigrated(db());
  await expect(await dumpSchema(db())).toMatchFileSnapshot('./schema.sql');
});

test('two processes that migrate at once apply every migration once', async () => {
  const empty = await openTestCatalog({ isEmpty: true });
  await expect(demandMigrated(empty.catalog)).rejects.toMatchObject({ code: 'catalog_not_migrated' });
  const applied = await Promise.all([migrate(empty.catalog), migrate(empty.catalog)]);
  expect(applied.flat()).toEqual((await knownMigrations()).map(({ name }) => name));
  await empty.catalog.change("update migration set sha256 = 'other'");
  await expect(migrate(empty.catalog)).rejects.toMatchObject({ code: 'migration_changed' });
  await empty.catalog.change('delete from migration');
  await empty.catalog.change("insert into migration (name, sha256) values ('9999_later.sql', 'x')");
  await expect(migrate(empty.catalog)).rejects.toMatchObject({ code: 'catalog_newer' });
  await empty.close();
});

test('a set is indexed once, whoever tells of it how often', async () => {
  const set = sampleSet(resourceId);
  await Promise.all([indexSet(db(), set, poolId), indexSet(db(), set, poolId)]);
  await indexSet(db(), set, poolId);
  expect((await getSet(db(), set.setId)).summary).toEqual(set);
  expect((await listSets(db(), { limit: 50 }, { resource: resourceId })).data).toHaveLength(1);
});

test('a batch is indexed once per pool and read back as it was written', async () => {
  const batch = sampleBatch(resourceId);
  await indexBatch(db(), batch, poolId);
  await indexBatch(db(), batch, poolId);
  expect(await batchesOf(db(), sampleSystemId, poolId)).toEqual([batch]);
});

test('what a pool names has a resource before any host has it, and an instance adopts it when its operator names it', async () => {
  const orphan = testIds('res');
  const set = { ...sampleSet(orphan), systemId: '1234567890123456789' };
  await indexSet(db(), set, poolId);
  expect(await getResource(db(), orphan)).toMatchObject({ hostId: null, systemId: set.systemId });
  const { name } = await getResource(db(), orphan);
  const instance = { ...found, dataDirectory: '/var/lib/pg/other', systemId: set.systemId };
  const register = (wanted: string, more = {}) =>
    registerResource(db(), { id: testIds('res'), hostId, name: wanted, found: instance, ...more });
  // The first instance that comes may be a copy: only its operator can say that it is the origin.
  await expect(register('again')).rejects.toMatchObject({ code: 'adoption_ambiguous', params: { resources: name } });
  expect(await register(name)).toBe(orphan);
  expect(await getResource(db(), orphan)).toMatchObject({ hostId });
});

test('another cluster in a registered directory is another resource; the former keeps its sets, without a place or login', async () => {
  const place = { ...found, dataDirectory: '/var/lib/pg/anew', systemId: '2000000000000000001' };
  const former = await registerResource(db(), { id: testIds('res'), hostId, name: 'former', found: place });
  const set = { ...sampleSet(former), systemId: place.systemId };
  await indexSet(db(), set, poolId);
  const anew = { ...place, systemId: '2000000000000000002' };
  const next = await registerResource(db(), { id: testIds('res'), hostId, name: 'next', found: anew });
  expect(next).not.toBe(former);
  expect(await getResource(db(), former)).toMatchObject({ hostId: null, systemId: place.systemId, isLoggedIn: false });
  expect((await setsOfDatabase(db(), place.systemId)).map(({ id }) => id)).toEqual([set.setId]);
  expect(await registerResource(db(), { id: testIds('res'), hostId, name: 'next', found: anew })).toBe(next);
});

test('of several resources with one origin that no host has, an instance is the one that its operator names', async () => {
  const systemId = '2000000000000000003';
  const [first, second] = [testIds('res'), testIds('res')];
  for (const id of [first, second]) await indexSet(db(), { ...sampleSet(id), setId: testIds('set'), systemId }, poolId);
  const { name } = await getResource(db(), second);
  const register = (wanted: string, dataDirectory = '/var/lib/pg/twin') =>
    registerResource(db(), { id: testIds('res'), hostId, name: wanted, found: { ...found, dataDirectory, systemId } });
  await expect(register('whichever')).rejects.toMatchObject({
    code: 'adoption_ambiguous',
    params: { resources: expect.stringContaining(name) as string },
  });
  expect(await register(name)).toBe(second);
  await expect(register('whichever', '/var/lib/pg/origin')).rejects.toMatchObject({ code: 'adoption_ambiguous' });
  const copy = { ...found, dataDirectory: '/var/lib/pg/copy', systemId };
  const another = await registerResource(db(), { id: testIds('res'), hostId, name: 'copy', found: copy, isNew: true });
  expect([first, second]).not.toContain(another);
});

test('an idempotency key whose taker was killed is free again within a minute', async () => {
  const scope = { principal: 'tok', method: 'POST', path: '/x', key: 'killed', holder: 'first' };
  const body = Buffer.alloc(32);
  expect(await takeKey(db(), scope, body)).toBeUndefined();
  expect(await takeKey(db(), scope, body)).toMatchObject({ status: null });
  await db().change("update idempotency_key set held_at = now() - interval '31 seconds' where key = 'killed'");
  expect(await takeKey(db(), scope, body)).toBeUndefined();
});

test('a run moves only along its states, and a repeated move is fine', async () => {
  const runs = openRunBook(db());
  const id = await newRun(sampleBackup(resourceId, poolId));
  expect(await runs.ticket(id)).toMatchObject({
    hostId,
    lane: { owner: resourceId, kind: 'data' },
    reconnectMinutes: 10,
  });
  await runs.moveTo(id, 'running');
  await runs.moveTo(id, 'running');
  await runs.close(id, {
    state: 'failed',
    code: 'pool_full',
    params: { pool: 'first' },
    message: 'Pool first is full',
  });
  await expect(runs.moveTo(id, 'running')).rejects.toMatchObject({ code: 'run_state_conflict' });
  const run = await getRun(db(), id);
  expect(run).toMatchObject({ state: 'failed', outcome: { code: 'pool_full' } });
  expect(run.closedAt).not.toBeNull();
});

function fullOf(spec: JobSpec): Extract<JobSpec, { kind: 'full-backup' }> {
  if (spec.kind === 'full-backup') return spec;
  throw fail('value_malformed', { text: spec.kind, what: 'sample', expected: 'a full' });
}

test('D-024 an incremental takes the one data lane of its resource, as a full does', async () => {
  const full = fullOf(sampleBackup(resourceId, poolId));
  const id = await newRun({ ...full, kind: 'incremental-backup', type: 'differential' });
  expect(await openRunBook(db()).ticket(id)).toMatchObject({
    kind: 'incremental-backup',
    lane: { owner: resourceId, kind: 'data' },
  });
});

test('K-080 a plan that deletes log of a resource may go beside its stream, not beside a log backup', async () => {
  const { reconnectMinutes, whenBusy } = sampleBackup(resourceId, poolId);
  const common = { reconnectMinutes, whenBusy, hostId, poolId };
  const { options } = fullOf(sampleBackup(resourceId, poolId));
  const care = { does: 'plan', planId: testIds('plan'), logOf: resourceId } as const;
  const laneOf = async (spec: JobSpec) => (await openRunBook(db()).ticket(await newRun(spec))).lane;
  const ofLog = { ...common, resourceId, options };
  const [plan, stream, backup] = [
    await laneOf({ ...common, kind: 'care', care }),
    await laneOf({ ...ofLog, kind: 'log-stream', tailSeconds: 30 }),
    await laneOf({ ...ofLog, kind: 'log-backup' }),
  ];
  expect([plan.owner, stream.owner, backup.owner]).toEqual([resourceId, resourceId, resourceId]);
  expect(canShare(plan.kind, stream.kind)).toBe(true);
  expect(canShare(plan.kind, backup.kind)).toBe(false);
  expect(canShare(stream.kind, backup.kind)).toBe(false);
});

test('K-109 runs that write into one directory stand in one lane, however its path is typed', async () => {
  const { reconnectMinutes, whenBusy } = sampleBackup(resourceId, poolId);
  const spec = { kind: 'extract-set' as const, hostId, poolId, setId: testIds('set'), what: 'PG_VERSION' };
  const owners: string[] = [];
  for (const directory of ['/data/a', '/data/a/', '/data/./a', '/data/b/../a'])
    owners.push(
      (await openRunBook(db()).ticket(await newRun({ ...spec, reconnectMinutes, whenBusy, directory }))).lane.owner,
    );
  expect(new Set(owners)).toEqual(new Set([`${hostId}:/data/a`]));
});

test('the columns of a chain are read from the summary', async () => {
  const full = sampleSet(resourceId);
  const { setId, beginLsn, endLsn } = full;
  const link = { setId, fullSetId: setId, metaSha256: 'a'.repeat(64), beginLsn, endLsn, changedPages: 'log' } as const;
  const incremental = { ...sampleSet(resourceId), type: 'differential' as const, base: link };
  await indexSet(db(), incremental, poolId);
  await indexSet(db(), full, poolId);
  expect((await setsOfFull(db(), setId, poolId)).map(({ id }) => id).sort()).toEqual([setId, incremental.setId].sort());
  const page = await listSets(db(), { limit: 9 }, { type: 'differential' });
  expect(page.data.map(({ id }) => id)).toEqual([incremental.setId]);
});

test('a set whose base was found damaged by its own verify is marked, and its base too', async () => {
  const base = sampleSet(resourceId);
  const top = sampleSet(resourceId);
  for (const set of [base, top]) await indexSet(db(), { ...set, systemId: '42' }, poolId);
  const id = testIds('run');
  const jobId = testIds('job');
  const spec = { kind: 'verify-set', hostId, poolId, setId: top.setId, depth: 'full' } as const;
  const common = { reconnectMinutes: 1, whenBusy: 'wait' } as const;
  await addJob(db(), { id: jobId, name: 'verify', spec: { ...spec, ...common }, createdBy: 'test' });
  await addRun(db(), { id, jobId, spec: { ...spec, ...common }, hostId, setId: top.setId, startedBy: 'test' });
  const object = `sets/${base.setId}/try_1/piece-000001.bak`;
  const params = { set: top.setId, count: '1', object, what: 'is cut' };
  await openRunBook(db()).close(id, { state: 'failed', code: 'set_damaged', params, message: 'damaged' });
  const reasons = await unusableSets(db(), '42', poolId);
  expect([...reasons.keys()].sort()).toEqual([base.setId, top.setId].sort());
  expect(reasons.get(base.setId)).toBe(`it is damaged: ${object} is cut`);
});

test('a set is recorded for a run only after its agent told of it', async () => {
  const runs = openRunBook(db());
  const id = await newRun(sampleBackup(resourceId, poolId));
  const set = sampleSet(resourceId, id);
  await expect(runs.recordSet(id, set.setId)).rejects.toMatchObject({ code: 'set_not_indexed', isRetryable: true });
  await indexSet(db(), set, poolId);
  await runs.recordSet(id, set.setId);
  expect((await getRun(db(), id)).setId).toBe(set.setId);
});

test('a set that was committed beside a run that did not end well is told of in its log, whoever comes last', async () => {
  const runs = openRunBook(db());
  const outcome = { state: 'failed', code: 'agent_unreachable', params: {}, message: 'away' } as const;
  const said = async (id: RunId): Promise<string> =>
    (await runEventsAfter(db(), id, 0, 10)).map(({ message }) => message).join('\n');
  const [early, late, alone] = [sampleSet(resourceId), sampleSet(resourceId), sampleSet(resourceId)];
  const begun = (set: typeof early) => newRun(sampleBackup(resourceId, poolId), set.setId);
  const first = await begun(early);
  await indexSet(db(), early, poolId);
  await runs.close(first, outcome);
  await runs.close(first, outcome);
  expect((await said(first)).match(/is whole and in the catalog all the same/g)).toHaveLength(1);
  expect(await getRun(db(), first)).toMatchObject({ state: 'failed', hasSet: true });
  const second = await begun(late);
  await runs.close(second, outcome);
  expect(await getRun(db(), second)).toMatchObject({ hasSet: false });
  await tellOfLateSet(db(), second);
  await indexSet(db(), late, poolId);
  await tellOfLateSet(db(), second);
  expect((await said(second)).match(/is whole and in the catalog all the same/g)).toHaveLength(1);
  const third = await begun(alone);
  await runs.close(third, outcome);
  expect(await said(third)).not.toContain('all the same');
});

test('a run closes whatever its texts hold: half a sign and NUL are replaced', async () => {
  const runs = openRunBook(db());
  const odd = 'a\ud83d\0b\\u0000🍎';
  const plain = 'a\ufffd\ufffdb\\u0000🍎';
  const [failed, warned] = [await newRun(sampleNoOp(hostId)), await newRun(sampleNoOp(hostId))];
  await runs.close(failed, { state: 'failed', code: 'query_failed', params: { reason: odd }, message: odd });
  expect((await getRun(db(), failed)).outcome).toMatchObject({ params: { reason: plain }, message: plain });
  const [line] = (await runEventsAfter(db(), failed, 0, 10)).slice(-1);
  expect(line?.message).toBe(`run is failed: ${plain} (query_failed)`);
  await runs.close(warned, { state: 'warned', result: { [odd]: odd }, warnings: [{ code: 'odd', detail: odd }] });
  expect((await getRun(db(), warned)).outcome).toMatchObject({
    ...{ state: 'warned', result: { [plain]: plain }, warnings: [{ code: 'odd', detail: plain }] },
  });
});

test('K-067 a run that a plan started for a resource without a login ends at its first step and says how to log in', async () => {
  const spec = sampleBackup(resourceId, poolId);
  const [id, jobId] = [testIds('run'), testIds('job')];
  await addJob(db(), { id: jobId, name: 'nightly', spec, createdBy: 'test' });
  const scheduledFor = parseInstant('2026-11-21T08:00:00Z');
  const planned = { id, jobId, spec, hostId, resourceId, setId: testIds('set'), startedBy: 'schedule', scheduledFor };
  await addRun(db(), planned);
  const refusal = {
    code: 'resource_not_logged_in',
    hint: expect.stringContaining('holdfast resource login') as string,
  };
  await expect(openRunBook(db()).ticket(id)).rejects.toMatchObject(refusal);
  const byHand = await newRun(spec);
  expect(await openRunBook(db()).ticket(byHand)).toMatchObject({ runId: byHand });
});

test('runs are listed newest first, page by page, without a gap or a repeat', async () => {
  const made: RunId[] = [];
  for (let i = 0; i < 5; i++) made.push(await newRun(sampleNoOp(hostId)));
  const first = await listRuns(db(), { limit: 3 });
  const second = await listRuns(db(), { limit: 3, after: first.next ?? '' });
  const ids = [...first.data, ...second.data].map((run) => run.id);
  expect(ids.slice(0, 5).sort()).toEqual([...made].sort());
  expect(new Set(ids).size).toBe(6);
});

test('job revisions never change', async () => {
  await newRun(sampleNoOp(hostId));
  await expect(db().change("update job_revision set spec = '{}'")).rejects.toThrow('immutable');
  await expect(db().change('delete from job_revision')).rejects.toThrow('immutable');
});

test('log lines of a run keep their order and can be followed by number', async () => {
  const id = await newRun(sampleNoOp(hostId));
  await addRunEvents(db(), id, [
    { at: '2026-11-21T08:00:00.5Z', level: 'info', message: 'one' },
    { level: 'warn', message: 'two' },
  ]);
  const lines = await runEventsAfter(db(), id, 0, 100);
  expect(lines.map((line) => line.message)).toEqual(['one', 'two']);
  expect(await runEventsAfter(db(), id, lines[0]?.seq ?? 0, 100)).toHaveLength(1);
});

test('K-007 an enrolment token is used once and not after it expired', async () => {
  const id = testIds('tok');
  await addEnrolmentToken(db(), { id, sha256: randomBytes(32), validMinutes: 5 });
  await db().transaction(async (inside) => {
    expect(await lockEnrolmentToken(inside, id)).toBeDefined();
    await useEnrolmentToken(inside, id, hostId);
  });
  expect(await lockEnrolmentToken(db(), id)).toBeUndefined();
  const late = testIds('tok');
  await addEnrolmentToken(db(), { id: late, sha256: randomBytes(32), validMinutes: 0 });
  expect(await lockEnrolmentToken(db(), late)).toBeUndefined();
});

test('K-080 a backup that began after a batch never needs log before the end of it', async () => {
  const batch = sampleBatch(resourceId);
  await indexBatch(db(), batch, poolId);
  const id = await newRun(sampleBackup(resourceId, poolId));
  const begun = (await getRun(db(), id)).createdAt;
  expect((await lastBatchesBefore(db(), resourceId, begun)).map(({ to }) => to)).toEqual([batch.to]);
});

test('a failed transaction leaves nothing behind', async () => {
  const jobId = testIds('job');
  const attempt = db().transaction(async (inside) => {
    await addJob(inside, { id: jobId, name: 'x', spec: sampleNoOp(hostId), createdBy: 'test' });
    throw fail('run_unknown', { run: 'x' });
  });
  await expect(attempt).rejects.toMatchObject({ code: 'run_unknown' });
  expect(await db().change('select 1 from job where id = $1', [jobId])).toBe(0);
});

test('a row that lost its shape is said to be damaged, with its table', async () => {
  const id = await newRun(sampleNoOp(hostId));
  await db().change('update run set outcome = \'{"state":"odd"}\' where id = $1', [id]);
  await expect(getRun(db(), id)).rejects.toMatchObject({ code: 'catalog_damaged', params: { table: 'run' } });
  await db().change('update run set outcome = null where id = $1', [id]);
  await moveRun(db(), id, 'cancelled');
});
