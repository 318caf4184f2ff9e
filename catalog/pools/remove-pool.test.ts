import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteJob, keepJob } from '#catalog/jobs.ts';
import { addLogPool } from '#catalog/resources/resources.ts';
import { addJob } from '#catalog/jobs.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import { indexSet } from '#catalog/backup-sets.ts';
import type { HostId, ResourceId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBackup, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let hostId: HostId;
let resourceId: ResourceId;
const db = () => api.store.catalog;
beforeAll(async () => {
  api = await openTestApi();
  hostId = (await newHost(api, 'db1')).id;
  resourceId = await newResource(api, { name: 'orders', hostId });
});
afterAll(() => api.close());

const remove = (pool: string) => runLine(api, ['pool', 'rm', pool]);

test('a pool that holds nothing leaves the catalog; its place is named and not touched, and its name is free again', async () => {
  const poolId = await newPool(api, 'spare', hostId);
  await addLogPool(db(), resourceId, poolId);
  const { code, out } = await remove('spare');
  expect([code, out]).toEqual([0, expect.stringContaining('/pools/spare')]);
  expect((await runLine(api, ['pool', 'ls', '--json'])).out).not.toContain(poolId);
  expect((await remove('spare')).err).toContain('pool_not_found');
  await newPool(api, 'spare', hostId);
});

test('a pool that a job or an open run names, or that holds sets, stays: they are named', async () => {
  const poolId = await newPool(api, 'used', hostId);
  const [jobId, adHoc, runId] = [testIds('job'), testIds('job'), testIds('run')];
  const spec = sampleBackup(resourceId, poolId);
  await keepJob(db(), jobId, { name: 'nightly', spec, plan: { type: 'manual' }, work: {}, by: 'test' }, true);
  await addJob(db(), { id: adHoc, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(db(), { id: runId, jobId: adHoc, spec, hostId, resourceId, startedBy: 'test' });
  expect((await remove('used')).err).toMatch(new RegExp(`job nightly, run ${runId} .*pool_in_use`));
  await deleteJob(db(), jobId);
  await moveRun(db(), runId, 'cancelled');
  await indexSet(db(), sampleSet(resourceId, runId), poolId);
  expect((await remove('used')).err).toMatch(/1 backup sets.*pool_holds_data/);
  expect((await runLine(api, ['pool', 'ls', '--json'])).out).toContain(poolId);
});
