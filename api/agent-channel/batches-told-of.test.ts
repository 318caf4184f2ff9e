import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchesOf, indexBatch } from '#catalog/log-batches.ts';
import { moveRun, runShape } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { sampleBatch } from '#tests/support/samples.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

async function running(pool: string): Promise<RunId> {
  const answer = await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'main', pool });
  const { id } = runShape.parse(answer.body);
  await moveRun(api.store.catalog, id, 'running');
  return id;
}

/** `pool copy --log` was killed right behind the put of the batch; then the second pool became a target of the log. */
test('a batch that a log backup finds in its pool is indexed there, also when another run made it in another pool', async () => {
  const { catalog } = api.store;
  const { id: hostId, key } = await newHost(api, 'db1');
  const [first, second] = [await newPool(api, 'first', hostId), await newPool(api, 'second', hostId)];
  const owner = await newResource(api, { name: 'main', hostId });
  const maker = await running('first');
  const batch = sampleBatch(owner, maker);
  await indexBatch(catalog, batch, first);
  await moveRun(catalog, maker, 'succeeded', { state: 'succeeded', result: {} });
  const finder = await running('second');
  const told = await api.ask('PUT', `/agent/v1/batches/${batch.batchId}?teller=${finder}`, batch, { as: key });
  expect(told.status).toBe(204);
  const held = await Promise.all([first, second].map((pool) => batchesOf(catalog, batch.systemId, pool)));
  expect(held.map((batches) => batches.map(({ batchId }) => batchId))).toEqual([[batch.batchId], [batch.batchId]]);
});
