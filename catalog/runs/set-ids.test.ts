import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { getJob, keepJob } from '#catalog/jobs.ts';
import type { SetId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBackup, sampleSet } from '#tests/support/samples.ts';
import { openJobRun } from './job-runs.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const hourMs = 3_600_000;

test('K-095 a set that is made after the clock went back has a later id than all before it', async () => {
  const { catalog } = api.store;
  const { id: hostId } = await newHost(api, 'db1');
  const poolId = await newPool(api, 'first', hostId);
  const resourceId = await newResource(api, { name: 'orders', hostId });
  const id = testIds('job');
  const spec = sampleBackup(resourceId, poolId);
  await keepJob(catalog, id, { name: 'nightly', spec, plan: { type: 'manual' }, work: {}, by: 'test' }, true);
  const job = await getJob(catalog, id);
  const nowMs = Date.now();
  const idsAt =
    (ms: number): IdSource =>
    (prefix) =>
      prefix === 'set' ? formatId(prefix, ms, new Uint8Array(10).fill(7)) : testIds(prefix);
  const opened = async (ms: number): Promise<SetId> =>
    (await openJobRun(catalog, job, idsAt(ms), { startedBy: 'test' })).setId ?? expect.fail('it makes no set');
  const first = await opened(nowMs);
  // Of a run before it that committed.
  const indexed = formatId('set', nowMs + hourMs, new Uint8Array(10));
  await indexSet(catalog, { ...sampleSet(resourceId), setId: indexed }, poolId);
  const ids = [first, indexed, await opened(nowMs - hourMs), await opened(nowMs - 2 * hourMs)];
  expect([...ids].sort()).toEqual(ids);
  expect(await opened(nowMs + 2 * hourMs)).toBe(formatId('set', nowMs + 2 * hourMs, new Uint8Array(10).fill(7)));
});
