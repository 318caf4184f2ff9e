import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DeletionClaim } from '#core/care/care-task.ts';
import type { MarkKind } from '#core/care/mark.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { HostId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { instantFromMs } from '#core/instant.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { instanceIn } from '#tests/support/api-fixtures.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleBatch, sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { indexSet } from '#catalog/backup-sets.ts';
import { claimDeletion, recordDeletion } from './deletions.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { acquireLeases, claimOnSet } from './leases.ts';
import { deletingFrom, forgetDeletions } from './pool-copies.ts';
import { batchesOf, indexBatch } from '#catalog/log-batches.ts';
import { locksIn } from './pool-locks.ts';
import { addPool } from './pools.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import { indexMarks, standingsOf } from './set-marks.ts';
import { unusableSets } from './set-standing.ts';

let store: TestCatalog;
let hostId: HostId;
let poolId: PoolId;
const resourceId: ResourceId = testIds('res');
const now = (): Instant => instantFromMs(Date.now());

beforeAll(async () => {
  store = await openTestCatalog();
  hostId = testIds('host');
  await addHost(store.catalog, {
    id: hostId,
    name: 'h',
    hostname: 'h',
    agentVersion: '0.1.0',
    keySha256: new Uint8Array(32),
  });
});
afterAll(() => store.close());
beforeEach(async () => {
  poolId = testIds('pool');
  const place = { kind: 'local', directory: `/${poolId}` } as const;
  await addPool(store.catalog, {
    id: poolId,
    name: poolId,
    place,
    isEncrypted: false,
    hostId,
    sealedSecrets: new Uint8Array(1),
  });
});

const common = { reconnectMinutes: 1, whenBusy: 'wait' as const };
const collecting = (): JobSpec => ({
  ...{ ...common, kind: 'care', hostId, poolId },
  care: { does: 'collect', isDryRun: false, graceHours: 1 },
});
const copyingInto = (toPoolId: PoolId): JobSpec => ({
  ...{ ...common, kind: 'pool-copy', hostId, poolId, toPoolId, sets: [], isAll: true, isWithLog: false, limits: {} },
});

async function run(setId?: SetId, spec = collecting()): Promise<RunId> {
  const [id, jobId] = [testIds('run'), testIds('job')];
  await addJob(store.catalog, { id: jobId, name: 'test', spec, createdBy: 'test' });
  await addRun(store.catalog, {
    id,
    jobId,
    spec,
    hostId,
    startedBy: 'test',
    ...(setId === undefined ? {} : { setId }),
  });
  await moveRun(store.catalog, id, 'running');
  return id;
}
const close = (id: RunId): Promise<void> =>
  moveRun(store.catalog, id, 'failed', { state: 'failed', code: 'bug', params: {}, message: 'over' });
async function indexed(base?: SetSummary): Promise<SetSummary> {
  const set = sampleSet(resourceId);
  const link = (of: SetSummary) => ({
    ...{ setId: of.setId, fullSetId: of.setId, metaSha256: '0'.repeat(64) },
    ...{ beginLsn: of.beginLsn, endLsn: of.endLsn, changedPages: 'page-lsn' as const },
  });
  const summary = base === undefined ? set : { ...set, type: 'differential' as const, base: link(base) };
  await indexSet(store.catalog, summary, poolId);
  return summary;
}
const claim = (runId: RunId, what: DeletionClaim) => claimDeletion(store.catalog, { runId, poolId, now: now() }, what);
const ofSet = (setId: SetId): DeletionClaim => ({ kind: 'set', setId });
const lease = (runId: RunId, setId: SetId) => acquireLeases(store.catalog, runId, [{ poolId, sets: [setId], log: [] }]);
const mark = (setId: SetId, seq: number, kind: MarkKind) =>
  indexMarks(store.catalog, poolId, [
    { markId: testIds('mark'), setId, kind, seq, at: now(), by: 'test', text: 'because', previousSha256: '' },
  ]);

test('a lease of a run blocks the deletion of the set and of all it builds on, until the run has ended', async () => {
  const full = await indexed();
  const child = await indexed(full);
  const [reader, care] = [await run(), await run()];
  await lease(reader, child.setId);
  await lease(reader, child.setId);
  for (const { setId } of [full, child])
    expect(await claim(care, ofSet(setId))).toEqual({ verdict: 'refused', why: `run ${reader} reads it` });
  await close(reader);
  expect(await claim(care, ofSet(full.setId))).toEqual({ verdict: 'refused', why: `${child.setId} builds on it` });
  expect(await claim(care, ofSet(child.setId))).toEqual({ verdict: 'granted' });
  expect(await claim(care, ofSet(child.setId))).toEqual({ verdict: 'granted' });
});

test('nobody gets a lease on what is being deleted; a claim of a run that ended before it deleted is void', async () => {
  const { setId } = await indexed();
  const [care, other] = [await run(), await run()];
  expect(await claim(care, ofSet(setId))).toEqual({ verdict: 'granted' });
  expect(await claimOnSet(store.catalog, setId, poolId)).toBe(care);
  await expect(lease(other, setId)).rejects.toMatchObject({ code: 'set_being_deleted', params: { run: care } });
  await close(care);
  await lease(other, setId);
  expect(await claim(await run(), ofSet(setId))).toMatchObject({ verdict: 'refused' });
});

test('of a lease and a claim at the same moment exactly one is granted', async () => {
  for (let i = 0; i < 20; i++) {
    const { setId } = await indexed();
    const [reader, care] = [await run(), await run()];
    const outcomes = await Promise.all([
      lease(reader, setId).then(
        () => 'leased',
        () => 'refused',
      ),
      claim(care, ofSet(setId)).then(({ verdict }) => verdict),
    ]);
    expect([
      ['leased', 'refused'],
      ['refused', 'granted'],
    ]).toContainEqual(outcomes);
  }
});

test('a removed set leaves the index at once, is not leased again, and does not come back when it is told late', async () => {
  const set = await indexed();
  const care = await run();
  await claim(care, ofSet(set.setId));
  await recordDeletion(
    store.catalog,
    { runId: care, poolId, now: now() },
    { kind: 'set', setId: set.setId, step: 'removed' },
  );
  expect(await store.catalog.change('select 1 from backup_set where id = $1', [set.setId])).toBe(0);
  await close(care);
  await expect(lease(await run(), set.setId)).rejects.toMatchObject({ code: 'set_being_deleted' });
  await indexSet(store.catalog, set, poolId);
  expect(await store.catalog.change('select 1 from backup_set where id = $1', [set.setId])).toBe(0);
  await recordDeletion(
    store.catalog,
    { runId: care, poolId, now: now() },
    { kind: 'set', setId: set.setId, step: 'done' },
  );
  expect(await claim(care, ofSet(set.setId))).toEqual({ verdict: 'done' });
});

test('K-005 a set that was deleted can be indexed and leased again once a copy brings it back, not while its deletion goes on', async () => {
  const set = await indexed();
  const care = await run();
  await claim(care, ofSet(set.setId));
  await recordDeletion(
    store.catalog,
    { runId: care, poolId, now: now() },
    { kind: 'set', setId: set.setId, step: 'done' },
  );
  expect((await deletingFrom(store.catalog, poolId)).get(set.setId)).toBe(care);
  await forgetDeletions(store.catalog, poolId, [set.setId]);
  await expect(lease(await run(), set.setId)).rejects.toMatchObject({ code: 'set_being_deleted' });
  await close(care);
  expect((await deletingFrom(store.catalog, poolId)).has(set.setId)).toBe(false);
  await forgetDeletions(store.catalog, poolId, [set.setId]);
  await indexSet(store.catalog, set, poolId);
  await lease(await run(), set.setId);
  expect(await store.catalog.change('select 1 from backup_set where id = $1', [set.setId])).toBe(1);
});

test('in an immutable pool a set is locked a day longer than the last that builds on it, also when that is gone; plans wait two', async () => {
  poolId = testIds('pool');
  const s3 = { endpoint: 's3.test', port: 9000, isTls: false, region: 'r', bucket: 'b', prefix: '' };
  const place = { kind: 's3' as const, ...s3, immutableDays: 10 };
  const added = { name: poolId, place, isEncrypted: false, hostId, sealedSecrets: new Uint8Array(1) };
  await addPool(store.catalog, { id: poolId, ...added });
  const daysOf = async ({ setId }: SetSummary): Promise<number> => {
    const until = (await locksIn(store.catalog, { id: poolId, place }, setId)).get(setId) ?? now();
    return Math.round((Date.parse(until) - Date.now()) / 86_400_000);
  };
  const full = await indexed();
  expect(await daysOf(full)).toBe(10);
  const child = await indexed(full);
  const top = await indexed(child);
  expect(await Promise.all([full, child, top].map(daysOf))).toEqual([11, 11, 10]);
  await store.catalog.change('delete from backup_set where id = $1', [top.setId]);
  expect(await Promise.all([full, child].map(daysOf))).toEqual([11, 11]);
  const planned = await locksIn(store.catalog, { id: poolId, place });
  for (const { setId } of [full, child])
    expect(Date.parse(planned.get(setId) ?? now()) - Date.now()).toBeGreaterThan(11.9 * 86_400_000);
});

test('a hold refuses a claim; a quarantined set is neither restored nor built upon', async () => {
  const { setId } = await indexed();
  await mark(setId, 1, 'hold');
  await mark(setId, 2, 'quarantine');
  await mark(setId, 2, 'release');
  expect(await claim(await run(), ofSet(setId))).toEqual({
    verdict: 'refused',
    why: 'it is under legal hold: because',
  });
  expect((await unusableSets(store.catalog, sampleSystemId, poolId)).get(setId)).toBe('it is quarantined: because');
  const standings = await standingsOf(store.catalog, [setId], poolId);
  expect(standings.get(setId)).toMatchObject({ isHeld: true, isQuarantined: true });
});

test('log is not deleted while a reader needs what lies before its end or a log backup writes, and the other way round', async () => {
  const batch = sampleBatch(resourceId);
  await indexBatch(store.catalog, batch, poolId);
  const { systemId, branchId } = batch;
  const [reader, care, writer] = [await run(), await run(), await run()];
  const logRead = (from: string) => [{ poolId, sets: [], log: [{ systemId, branchId, from: parseInt(from, 16) }] }];
  const wanted: DeletionClaim = { kind: 'log', systemId, branchId, to: parseLsn('0/4000000') };
  await acquireLeases(store.catalog, reader, logRead('4000000'));
  expect(await claim(care, wanted)).toEqual({ verdict: 'granted' });
  await expect(
    acquireLeases(store.catalog, writer, [{ poolId, sets: [], log: [{ systemId, from: 0 }] }]),
  ).rejects.toMatchObject({ code: 'log_being_deleted', isRetryable: true });
  const told = { kind: 'log', systemId, branchId, batches: [batch.batchId] } as const;
  await recordDeletion(store.catalog, { runId: care, poolId, now: now() }, { ...told, step: 'removed' });
  expect(await batchesOf(store.catalog, systemId, poolId)).toEqual([]);
  await recordDeletion(store.catalog, { runId: care, poolId, now: now() }, { ...told, step: 'done' });
  await acquireLeases(store.catalog, writer, [{ poolId, sets: [], log: [{ systemId, from: 0 }] }]);
  expect(await claim(await run(), wanted)).toEqual({ verdict: 'refused', why: `run ${writer} reads or writes it` });
});

test('K-080 log is deleted while a stream goes on, but for what lies at the end of the stream', async () => {
  const [old, newest] = [sampleBatch(resourceId), sampleBatch(resourceId)];
  const { systemId, branchId } = old;
  await indexBatch(store.catalog, old, poolId);
  await indexBatch(store.catalog, { ...newest, from: parseLsn('0/9000000'), to: parseLsn('0/9000400') }, poolId);
  const [stream, care] = [await run(), await run()];
  await store.catalog.change(`update run set kind = 'log-stream' where id = $1`, [stream]);
  await acquireLeases(store.catalog, stream, [{ poolId, sets: [], log: [{ systemId, from: 0 }] }]);
  const upTo = (to?: string): Extract<DeletionClaim, { kind: 'log' }> => ({
    ...{ kind: 'log', systemId, branchId },
    ...(to === undefined ? {} : { to: parseLsn(to) }),
  });
  const why = { verdict: 'refused', why: `run ${stream} reads or writes it` };
  for (const near of ['0/9000400', '0/9000000', '0/8000401', undefined])
    expect(await claim(care, upTo(near))).toEqual(why);
  expect(await claim(care, { ...upTo('0/4000000'), branchId: 'f'.repeat(32) })).toEqual(why);
  expect(await claim(care, upTo('0/4000000'))).toEqual({ verdict: 'granted' });
});

test('log without a batch is left alone when nothing of its database is known here: another installation may be writing it', async () => {
  const batch = sampleBatch(resourceId);
  const { branchId } = batch;
  const leftovers = (systemId: string): DeletionClaim => ({ kind: 'log', systemId, branchId });
  const care = await run();
  expect(await claim(care, leftovers('7400000000000000009'))).toMatchObject({
    verdict: 'refused',
    why: expect.stringContaining('another installation') as string,
  });
  await indexBatch(store.catalog, { ...batch, systemId: '7400000000000000008' }, poolId);
  expect(await claim(care, leftovers('7400000000000000008'))).toEqual({ verdict: 'granted' });
});

test('log without a batch is left to an agent that was given up, until the grace time after its run is over', async () => {
  const systemId = '7400000000000000010';
  const found = instanceIn('/given-up', systemId);
  const resource = await registerResource(store.catalog, { id: testIds('res'), hostId, name: 'given-up', found });
  const [writer, care] = [await run(), await run()];
  await store.catalog.change(`update run set kind = 'log-backup', resource_id = $2 where id = $1`, [writer, resource]);
  await close(writer);
  const leftovers = { kind: 'log', systemId, branchId: sampleBatch(resourceId).branchId } as const;
  const why = (hours: number): string => `run ${writer} was given up less than ${String(hours)} h ago`;
  expect(await claim(care, leftovers)).toEqual({ verdict: 'refused', why: why(24) });
  expect(await claim(care, { ...leftovers, graceHours: 2 })).toEqual({ verdict: 'refused', why: why(2) });
  await store.catalog.change(`update run set closed_at = now() - interval '3 hours' where id = $1`, [writer]);
  expect(await claim(care, { ...leftovers, graceHours: 2 })).toEqual({ verdict: 'granted' });
});

test('log without a batch is left to a copy or a restore in place that was given up, in the pool that it wrote into', async () => {
  const systemId = '7400000000000000014';
  const found = instanceIn('/copied', systemId);
  await registerResource(store.catalog, { id: testIds('res'), hostId, name: 'copied', found });
  const leftovers = { kind: 'log', systemId, branchId: sampleBatch(resourceId).branchId, graceHours: 2 } as const;
  const asked = { ...leftovers, isDryRun: true };
  const care = await run();
  for (const kind of ['pool-copy', 'restore']) {
    const writer = await run();
    await store.catalog.change('update run set kind = $2 where id = $1', [writer, kind]);
    await acquireLeases(store.catalog, writer, [{ poolId, sets: [], log: [{ systemId, from: 0 }] }]);
    await close(writer);
    const why = `run ${writer} was given up less than 2 h ago`;
    expect(await claim(care, asked)).toEqual({ verdict: 'refused', why });
    await store.catalog.change(`update run set closed_at = now() - interval '3 hours' where id = $1`, [writer]);
    expect(await claim(care, asked)).toEqual({ verdict: 'granted' });
  }
  const reader = await run();
  const { branchId } = leftovers;
  await acquireLeases(store.catalog, reader, [{ poolId, sets: [], log: [{ systemId, branchId, from: 0 }] }]);
  await close(reader);
  expect(await claim(care, leftovers)).toEqual({ verdict: 'granted' });
});

test('log without a batch is left alone after a rebuild: for good where no host has its database, else for the grace time', async () => {
  const [strange, ours] = ['7400000000000000011', '7400000000000000012'];
  const batch = sampleBatch(resourceId);
  const care = await run();
  const leftovers = (systemId: string) => ({ kind: 'log', systemId, branchId: batch.branchId, graceHours: 2 }) as const;
  await indexBatch(store.catalog, { ...batch, batchId: testIds('batch'), systemId: strange }, poolId);
  const found = instanceIn('/rebuilt', ours);
  await registerResource(store.catalog, { id: testIds('res'), hostId, name: 'rebuilt', found });
  const rebuild = await run();
  await store.catalog.change(`update run set kind = 'rebuild' where id = $1`, [rebuild]);
  await moveRun(store.catalog, rebuild, 'succeeded', { state: 'succeeded', result: {} });
  expect(await claim(care, leftovers(strange))).toMatchObject({
    ...{ verdict: 'refused', why: expect.stringContaining('another installation') as string },
  });
  expect(await claim(care, leftovers(ours))).toMatchObject({
    ...{
      verdict: 'refused',
      why: expect.stringContaining(`${rebuild} rebuilt the catalog less than 2 h ago`) as string,
    },
  });
  await store.catalog.change(`update run set closed_at = now() - interval '3 hours' where id = $1`, [rebuild]);
  expect(await claim(care, leftovers(strange))).toMatchObject({ verdict: 'refused' });
  expect(await claim(care, leftovers(ours))).toEqual({ verdict: 'granted' });
});

test('to ask for leftover log without claiming it keeps nobody out', async () => {
  const systemId = '7400000000000000013';
  await registerResource(store.catalog, {
    ...{ id: testIds('res'), hostId, name: 'asked', found: instanceIn('/asked', systemId) },
  });
  const [writer, care] = [await run(), await run()];
  const { branchId } = sampleBatch(resourceId);
  const asked = { kind: 'log', systemId, branchId, graceHours: 2 } as const;
  expect(await claim(care, { ...asked, isDryRun: true })).toEqual({ verdict: 'granted' });
  await acquireLeases(store.catalog, writer, [{ poolId, sets: [], log: [{ systemId, from: 0 }] }]);
  expect(await claim(care, { ...asked, isDryRun: true })).toMatchObject({ why: `run ${writer} reads or writes it` });
  expect(await claim(care, asked)).toMatchObject({ why: `run ${writer} reads or writes it` });
});

test('leftovers are collected only of runs that ended longer ago than the grace time', async () => {
  const setId = testIds('set');
  const [backup, care] = [await run(setId), await run()];
  const orphan = (hours: number): Extract<DeletionClaim, { kind: 'orphan' }> => ({
    ...{ kind: 'orphan', setId, madeBy: backup, lastTriedAt: instantFromMs(Date.now() - 3 * 3_600_000) },
    ...{ graceHours: hours, isDryRun: true },
  });
  expect(await claim(care, orphan(4))).toEqual({ verdict: 'refused', why: 'it is younger than 4 h' });
  expect(await claim(care, orphan(2))).toMatchObject({ why: 'its run has not ended and may still commit it' });
  await close(backup);
  expect(await claim(care, orphan(2))).toMatchObject({ why: 'its run ended less than 2 h ago' });
  await store.catalog.change(`update run set closed_at = now() - interval '5 hours' where id = $1`, [backup]);
  expect(await claim(care, orphan(2))).toEqual({ verdict: 'granted' });
  const orphaned = orphan(2);
  const stranger = { ...orphaned, setId: testIds('set'), madeBy: testIds('run') };
  expect(await claim(care, stranger)).toMatchObject({ why: 'its run is unknown here, and it is younger than a week' });
});

test('K-005 leftovers of the second copy of a set are its own: while it goes on, and for the grace time after it was given up', async () => {
  const { setId } = await indexed();
  const copy = async (toPoolId: PoolId): Promise<RunId> => {
    const id = await run(undefined, copyingInto(toPoolId));
    await lease(id, setId);
    return id;
  };
  const [backup, first, second, care] = [await run(setId), await copy(poolId), await copy(poolId), await run()];
  await copy(testIds('pool'));
  for (const id of [backup, first]) await close(id);
  await store.catalog.change(`update run set closed_at = now() - interval '3 days' where id = any ($1)`, [
    [backup, first],
  ]);
  const orphan: DeletionClaim = {
    ...{ kind: 'orphan', setId, madeBy: first, lastTriedAt: instantFromMs(Date.now() - 4 * 86_400_000) },
    ...{ graceHours: 24, isDryRun: true },
  };
  expect(await claim(care, orphan)).toMatchObject({ why: 'its run has not ended and may still commit it' });
  await close(second);
  expect(await claim(care, orphan)).toMatchObject({ why: 'its run ended less than 24 h ago' });
  await store.catalog.change(`update run set closed_at = now() - interval '2 days' where id = $1`, [second]);
  expect(await claim(care, orphan)).toEqual({ verdict: 'granted' });
});
