import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { claimDeletion, recordDeletion } from '#catalog/pools/deletions.ts';
import { acquireLeases } from '#catalog/pools/leases.ts';
import { setsOfPool } from '#catalog/pools/pool-copies.ts';
import { getPool } from '#catalog/pools/pools.ts';
import { moveRun, runShape } from '#catalog/runs/runs.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { PoolId, ResourceId, RunId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let hostKey: string;
let owner: ResourceId;
let poolId: PoolId;
beforeAll(async () => {
  api = await openTestApi();
  const { id: hostId, key } = await newHost(api, 'db1');
  hostKey = key;
  await newPool(api, 'first', hostId);
  poolId = (await getPool(api.store.catalog, 'first')).id;
  owner = await newResource(api, { name: 'main', hostId });
});
afterAll(() => api.close());

const begin = async (what: 'gc' | 'rebuild'): Promise<RunId> => {
  const body = what === 'gc' ? { isDryRun: false } : undefined;
  return runShape.parse((await api.ask('POST', `/api/v1/pools/first/${what}`, body)).body).id;
};
const end = (run: RunId): Promise<void> => moveRun(api.store.catalog, run, 'cancelled');
const whoIs = (runId: RunId) => ({ runId, poolId, now: instantFromMs(Date.now()) });
const remove = (runId: RunId, { setId }: SetSummary): Promise<void> =>
  recordDeletion(api.store.catalog, whoIs(runId), { kind: 'set', setId, step: 'done' });
const tell = async (run: RunId, set: SetSummary): Promise<number> =>
  (await api.ask('PUT', `/agent/v1/sets/${set.setId}?teller=${run}`, set, { as: hostKey })).status;
const isListed = async ({ setId }: SetSummary): Promise<boolean> =>
  (await setsOfPool(api.store.catalog, poolId)).some((set) => set.setId === setId);

async function claimed(): Promise<{ readonly set: SetSummary; readonly care: RunId }> {
  const set = sampleSet(owner);
  await indexSet(api.store.catalog, set, poolId);
  const care = await begin('gc');
  await claimDeletion(api.store.catalog, whoIs(care), { kind: 'set', setId: set.setId });
  return { set, care };
}

/** Older versions of the bucket were brought back, or a snapshot of the storage. */
test('a rebuild brings back a set that a plan had deleted and somebody put back, and it can be read again', async () => {
  const { set, care } = await claimed();
  await remove(care, set);
  await end(care);
  const rebuild = await begin('rebuild');
  expect(await tell(rebuild, set)).toBe(204);
  await end(rebuild);
  expect(await isListed(set)).toBe(true);
  await acquireLeases(api.store.catalog, await begin('gc'), [{ poolId, sets: [set.setId], log: [] }]);
});

test('a set whose deletion goes on, or that went after a rebuild had begun, does not come back by it', async () => {
  const { set, care } = await claimed();
  const early = await begin('rebuild');
  await remove(care, set);
  await tell(early, set);
  expect(await isListed(set)).toBe(false);
  await end(early);
  const late = await begin('rebuild');
  await tell(late, set);
  expect(await isListed(set)).toBe(false);
  await end(care);
  await tell(late, set);
  expect(await isListed(set)).toBe(true);
  await end(late);
});
