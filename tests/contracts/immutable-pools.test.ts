import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'minio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { pieceKey, poolKey, probeKey, setMetaKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import { putMark } from '#agent/care/marks.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { renewProtection } from '#agent/sets/renew-protection.ts';
import type { CareStage } from '#tests/support/care-stage.ts';
import { careClock, commitLog, openCareStage } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { lastFiles, lastIds, makeTinyChain, middleIds } from '#tests/repositories/tiny-chain.ts';
import { tinyIds } from '#tests/repositories/tiny-set.ts';

let stage: CareStage;
let client: Client;
beforeAll(async () => {
  stage = await openCareStage('s3 immutable');
  const { place, secrets } = stage.access;
  if (place.kind !== 's3' || secrets.s3 === undefined) return expect.fail('the stage is not on S3');
  client = new Client({ endPoint: place.endpoint, port: place.port, useSSL: false, ...secrets.s3 });
});
afterAll(() => stage.close());

const dayMs = 86_400_000;
const until = async (key: string): Promise<number> => {
  const found = await client.getObjectRetention('care', `p/${key}`);
  expect(found?.mode).toBe('COMPLIANCE');
  return Date.parse(String(found?.retainUntilDate));
};
/** Puts an object that is protected for so many days, as another program would. */
const put = async (key: string, mode: string, days: number): Promise<void> => {
  const iso = new Date(Date.now() + days * dayMs).toISOString().replace(/\.\d+/, '');
  const lock = { 'x-amz-object-lock-mode': mode, 'x-amz-object-lock-retain-until-date': iso };
  const body = Buffer.from('body');
  const headers = { ...lock, 'Content-MD5': createHash('md5').update(body).digest('base64') };
  const what = { method: 'PUT', bucketName: 'care', objectName: `p/${key}`, headers };
  await client.makeRequestAsyncOmit(what, body, [200], 'us-east-1');
};
const failureOf = (work: Promise<unknown>): Promise<HoldfastError | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof HoldfastError) return error;
      throw error;
    },
  );

test('every object of an immutable pool is protected from its first moment on, and the storage itself refuses to delete it', async () => {
  const setId = await stage.commit();
  await stage.log(3, 1, '');
  const mark = { markId: testIds('mark'), setId, kind: 'label' as const, at: instantFromMs(0), by: 'test', text: 'x' };
  await putMark(stage.pool, mark);
  const keys = await stage.keys();
  expect(keys.length).toBe(7);
  for (const key of keys) expect(await until(key)).toBeGreaterThan(Date.now() + dayMs - 60_000);
  const { versionId } = await client.statObject('care', `p/${setMetaKey(setId)}`);
  const remove = client.removeObject('care', `p/${setMetaKey(setId)}`, { versionId: versionId ?? '' });
  await expect(remove).rejects.toThrow();
  expect((await openSet(stage.pool, setId)).meta.summary.setId).toBe(setId);
});

test('a plan that deletes protected sets fails clearly before anything is hidden', async () => {
  const setId = await stage.commit();
  const failed = await failureOf(stage.care({ task: 'delete', planId: testIds('plan'), sets: [setId], log: [] }));
  expect(failed).toMatchObject({ code: 'delete_refused', class: 'precondition' });
  expect(failed?.params['why']).toMatch(/protected until 20/);
  expect((await openSet(stage.pool, setId)).meta.summary.setId).toBe(setId);
});

test('leftovers of a killed backup stay while they are protected, and the collection says so and goes on', async () => {
  const { setId } = await stage.leave();
  const report = await stage.care({ task: 'collect', isDryRun: false, graceHours: 1 });
  expect(report.kept.map(({ what }) => what)).toContain(setId);
  expect(report.kept.find(({ what }) => what === setId)?.why).toMatch(/protected until/);
  expect((await stage.keys(`sets/${setId}/`)).length).toBe(4);
});

test('K-005 a copy into an immutable bucket is whole, sends nothing again and protects what it put', async () => {
  const ends = { isFromEncrypted: true, isToEncrypted: false, target: stage.access };
  const copies = await openCopyStage(ends);
  await makeTinyChain(copies.from);
  const sets = [tinyIds.setId, middleIds.setId, lastIds.setId];
  expect((await copies.copy({ sets })).report).toMatchObject({ sets: 3, leftOut: [] });
  expect((await copies.copy({ sets })).report).toMatchObject({ sets: 0, setsThere: 3, objects: 0 });
  const set = await openSet(stage.pool, lastIds.setId);
  for (const [path, content] of Object.entries(lastFiles))
    expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
  for (const key of await stage.keys(`sets/${lastIds.setId}/`)) expect(await until(key)).toBeGreaterThan(Date.now());
  await copies.close();
});

test('K-005 what a failed copy put is protected anew by the next one, before that makes it a set or log', async () => {
  const target = await openCareStage('s3 immutable');
  const copies = await openCopyStage({ isFromEncrypted: false, isToEncrypted: false, target: target.access });
  const { place, secrets } = target.access;
  if (place.kind !== 's3' || secrets.s3 === undefined) return expect.fail('the stage is not on S3');
  const minio = new Client({ endPoint: place.endpoint, port: place.port, useSSL: false, ...secrets.s3 });
  const endOf = async (key: string): Promise<number> =>
    Date.parse(String((await minio.getObjectRetention('care', `p/${key}`))?.retainUntilDate));
  await makeTinyChain(copies.from);
  await commitLog(copies.from, { first: 3, count: 2, previousSha256: '' });
  const task = { sets: [tinyIds.setId], systems: [sampleSystemId] };
  const over = () => Promise.reject(fail('run_over', { run: testIds('run') }));
  for (const one of [{ sets: task.sets }, { systems: task.systems }])
    expect(await failureOf(copies.copy(one, { demandOpen: over }))).toMatchObject({ code: 'run_over' });
  const left = [...(await target.keys('sets/')), ...(await target.keys('logs/'))];
  expect(left).toHaveLength(5);
  await sleep(3000);
  expect((await copies.copy(task)).report).toMatchObject({ sets: 1, batches: 1, objectsReused: 4 });
  const batches = (await target.keys('logs/')).filter((key) => key.includes('/batches/'));
  const commitPoints = await Promise.all([setMetaKey(tinyIds.setId), ...batches].map(endOf));
  for (const key of left) expect(await endOf(key), key).toBeGreaterThanOrEqual(Math.max(...commitPoints));
  await copies.close();
  await target.close();
});

test('what others need is renewed as long as less than a day more than now is left of its protection', async () => {
  const key = pieceKey(testIds('set'), testIds('try'), 1);
  await put(key, 'COMPLIANCE', 1 + 20 / 24);
  expect(await until(key)).toBeLessThan(Date.now() + 2 * dayMs);
  await stage.pool.store.renewProtection?.([key], 'needed');
  const renewed = await until(key);
  expect(renewed).toBeGreaterThan(Date.now() + 2 * dayMs);
  await stage.pool.store.renewProtection?.([key], 'needed');
  expect(await until(key)).toBe(renewed);
});

test('what a set builds on stays protected beyond it, with what opens the pool; to commit it again renews nothing', async () => {
  const bases = [tinyIds.setId, middleIds.setId];
  const needed = [...(await Promise.all(bases.map((setId) => stage.keys(`sets/${setId}/`)))).flat(), poolKey()];
  const ends = await Promise.all(needed.map(until));
  const ownEnds = await Promise.all((await stage.keys(`sets/${lastIds.setId}/`)).map(until));
  expect(needed.length).toBeGreaterThan(6);
  expect(Math.min(...ends)).toBeGreaterThan(Math.max(...ownEnds) + dayMs);
  const { meta } = await openSet(stage.pool, lastIds.setId);
  await renewProtection(stage.pool, meta);
  expect(await Promise.all(needed.map(until))).toEqual(ends);
});

test('a renewal keeps the mode of each object and shortens none', async () => {
  const [soft, long, other, last] = [1, 2, 3, 4].map((n) => pieceKey(testIds('set'), testIds('try'), n));
  if (soft === undefined || long === undefined || other === undefined || last === undefined)
    return expect.fail('no keys');
  await put(soft, 'GOVERNANCE', 0.5);
  await put(long, 'COMPLIANCE', 20);
  await put(other, 'COMPLIANCE', 0.5);
  await put(last, 'COMPLIANCE', 0.5);
  const kept = await until(long);
  await stage.pool.store.renewProtection?.([soft, long, other, last], 'needed');
  const renewed = await client.getObjectRetention('care', `p/${soft}`);
  expect(renewed?.mode).toBe('GOVERNANCE');
  for (const end of [Date.parse(String(renewed?.retainUntilDate)), await until(other), await until(last)])
    expect(end).toBeGreaterThan(Date.now() + 2.9 * dayMs);
  expect(await until(long)).toBe(kept);
});

test('a probe is not protected', async () => {
  const key = probeKey(testIds('set'));
  await stage.pool.store.putIfAbsent(key, Buffer.from('probe'));
  await stage.pool.store.remove([key]);
  expect(await stage.pool.store.head(key)).toBeUndefined();
});

test('an object that is there is not put again, protected or not', async () => {
  const key = setMetaKey(await stage.commit());
  expect(await stage.pool.store.putIfAbsent(key, Buffer.from('other'))).toBe('exists');
});

test('a pool is attached only as it protects its objects, and a bucket without object lock cannot be immutable', async () => {
  const { place } = stage.access;
  if (place.kind !== 's3') return expect.fail('the stage is not on S3');
  const attached = await failureOf(openPool({ ...stage.access, place: { ...place, immutableDays: 2 } }));
  expect(attached).toMatchObject({ code: 'pool_protection_differs', params: { wanted: '1', given: '2' } });
  await client.makeBucket('open', 'us-east-1');
  const fresh = { ...stage.access, poolId: testIds('pool') };
  const made = await failureOf(createPool({ ...fresh, place: { ...place, bucket: 'open' } }, careClock));
  expect(made).toMatchObject({ code: 'pool_not_lockable', params: { bucket: 'open' } });
  await createPool({ ...fresh, place: { ...place, bucket: 'made-here' } }, careClock);
  expect(await failureOf(openPool(fresh))).toMatchObject({ code: 'pool_other' });
});
