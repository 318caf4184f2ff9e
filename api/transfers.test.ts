import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { getRun } from '#catalog/runs/runs.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { PlacesTold } from '#core/transfer/task.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';

let api: TestApi;
let host: { readonly id: HostId; readonly key: string };
let resourceId: ResourceId;
let spec: JobSpecOf<'logical-restore'>;
beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  resourceId = await newResource(api, { name: 'main', hostId: host.id });
  spec = {
    ...{ kind: 'logical-restore', hostId: host.id, poolId: await newPool(api, 'first', host.id), resourceId },
    ...{ setId: testIds('set'), channels: 1, limits: {}, reconnectMinutes: 1, whenBusy: 'refuse' },
    task: { databases: [{ database: 'app', as: 'app' }], tables: [], endsSessions: false, dropsOld: false },
  };
});
afterAll(() => api.close());

/** A run that has begun, as if its agent worked for it. */
const begun = (): Promise<RunId> => begunRun(api, { spec, hostId: host.id, resourceId });

const places: PlacesTold['placed'] = [
  { kind: 'database', name: 'app', oid: '16400', keptAs: 'app_before_x', keptOid: '16390' },
];
const tell = async (run: RunId, told: PlacesTold): Promise<number> =>
  (await api.ask('PUT', `/agent/v1/runs/${run}/placed`, told, { as: host.key })).status;
const settle = (run: RunId, does: string) =>
  api.ask('POST', `/api/v1/database-recoveries/${run}/${does}`, {}, { headers: { 'idempotency-key': randomUUID() } });
const failRun = (run: RunId): Promise<void> =>
  openRunBook(api.store.catalog).close(run, {
    ...{ state: 'failed', code: 'agent_lost', params: { host: host.id, minutes: '1' }, message: 'its agent was lost' },
  });

test('K-108 a run that failed after its swap says what it keeps, and can be undone', async () => {
  const run = await begun();
  expect((await settle(run, 'undo')).body).toMatchObject({ code: 'transfer_not_kept' });
  expect(await tell(run, { placed: places, isSwapped: false })).toBe(204);
  expect((await settle(run, 'undo')).body).toMatchObject({
    code: 'transfer_not_kept',
    params: { why: 'it is running: wait for its end' },
  });
  expect(await tell(run, { placed: places, isSwapped: true })).toBe(204);
  // A word of an attempt before: the swap has happened.
  expect(await tell(run, { placed: [], isSwapped: false })).toBe(204);
  await failRun(run);
  const words = `app is in place, and what it replaced is kept as app_before_x: holdfast database-recovery undo ${run} puts it back, holdfast database-recovery confirm ${run} drops it`;
  expect((await getRun(api.store.catalog, run)).outcome).toMatchObject({ message: `its agent was lost. ${words}` });
  expect((await api.ask('GET', `/api/v1/runs/${run}`)).body).toMatchObject({ transfer: { kept: 'kept' } });
  expect((await api.ask('GET', '/api/v1/database-recoveries')).body).toMatchObject({
    data: [{ id: run, state: 'failed', kept: 'kept' }],
  });
  expect((await settle(run, 'undo')).status).toBe(202);
});

test('K-108 a run that was last heard of before its swap can be settled, and no swap begins for one that is over', async () => {
  const run = await begun();
  await tell(run, { placed: places, isSwapped: false });
  await failRun(run);
  expect((await api.ask('GET', `/api/v1/runs/${run}`)).body).toMatchObject({ transfer: { kept: 'unsure' } });
  expect(await tell(run, { placed: places, isSwapped: false })).toBe(403);
  expect((await settle(run, 'undo')).status).toBe(202);
  const other = await begun();
  await failRun(other);
  expect((await settle(other, 'confirm')).body).toMatchObject({ code: 'transfer_not_kept' });
});

test('K-108 a run that replaced something live is not tried again without consent; one that failed before its swap is', async () => {
  const retry = (run: RunId) => api.ask('POST', `/api/v1/runs/${run}/retry`);
  const succeeded = await begun();
  await tell(succeeded, { placed: places, isSwapped: true });
  await openRunBook(api.store.catalog).close(succeeded, { state: 'succeeded', result: {} });
  const afterSwap = await begun();
  await tell(afterSwap, { placed: places, isSwapped: true });
  await failRun(afterSwap);
  for (const run of [succeeded, afterSwap])
    expect(await retry(run)).toMatchObject({ status: 409, body: { code: 'run_not_repeatable' } });
  const before = await begun();
  await tell(before, { placed: places, isSwapped: false });
  await failRun(before);
  expect(await retry(before)).toMatchObject({ status: 202 });
});
