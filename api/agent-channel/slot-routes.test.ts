import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsAfter } from '#catalog/notices/events.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { lookOnce } from '../notices/watch-conditions.ts';
import { openProtections } from '../protection.ts';

let api: TestApi;
let host: { readonly id: HostId; readonly key: string };
let resourceId: ResourceId;
let spec: JobSpecOf<'log-stream'>;
beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  resourceId = await newResource(api, { name: 'main', hostId: host.id });
  const options = {
    ...{ channels: 1, compression: { mode: 'fast' as const }, archiveRetention: { mode: 'keep' as const } },
    ...{ limits: {}, isFastCheckpoint: true },
  };
  spec = {
    ...{ kind: 'log-stream', resourceId, poolId: await newPool(api, 'first', host.id), options, tailSeconds: 1 },
    ...{ reconnectMinutes: 1, whenBusy: 'refuse' },
  };
});
afterAll(() => api.close());

/** A stream that runs. */
const begun = (): Promise<RunId> => begunRun(api, { spec, hostId: host.id, resourceId });

const close = (run: RunId, state: 'failed' | 'cancelled'): Promise<void> =>
  openRunBook(api.store.catalog).close(run, { state, code: 'agent_lost', params: {}, message: 'it is over' });
const ask = (run: RunId, key = host.key) => api.ask('GET', `/agent/v1/runs/${run}/slot`, undefined, { as: key });
const tell = async (run: RunId, told: unknown): Promise<number> =>
  (await api.ask('POST', `/agent/v1/runs/${run}/slot`, told, { as: host.key })).status;
const left = (keptBytes: number) => ({ state: 'left', slot: 'holdfast_1', keptBytes, from: '0/3000000' });

/** Types of the events that a look tells. */
async function looked(): Promise<readonly string[]> {
  const { catalog } = api.store;
  const before = (await eventsAfter(catalog, 0, 1000)).length;
  await lookOnce({ catalog, clock: { nowMs: () => Date.now() }, protections: openProtections(catalog) });
  return (await eventsAfter(catalog, 0, 1000)).slice(before).map(({ type }) => type);
}

async function metric(): Promise<string | undefined> {
  const response = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api.adminToken}` } });
  return (await response.text()).split('\n').find((line) => line.startsWith('stream_slot_kept_bytes{'));
}

test('K-049 the newest stream of a resource says what becomes of a slot: open waits, cancelled drops, failed keeps', async () => {
  const first = await begun();
  expect((await ask(first)).body).toEqual({ verdict: 'wait' });
  await close(first, 'failed');
  expect((await ask(first)).body).toMatchObject({ verdict: 'keep' });
  const second = await begun();
  expect((await ask(first)).body).toEqual({ verdict: 'wait' });
  await close(second, 'cancelled');
  expect((await ask(first)).body).toMatchObject({ verdict: 'drop' });
  const other = await newHost(api, 'db2');
  expect((await ask(first, other.key)).body).toMatchObject({ code: 'order_refused' });
});

test('K-049 a slot that stays is told once and measured, until it is gone or the next stream has it', async () => {
  const run = await begun();
  await close(run, 'failed');
  expect(await tell(run, left(4096))).toBe(204);
  expect(await looked()).toEqual(['slot.left']);
  expect(await tell(run, left(8192))).toBe(204);
  expect(await looked()).toEqual([]);
  expect(await metric()).toBe('stream_slot_kept_bytes{resource="main"} 8192');
  const next = await begun();
  expect(await looked()).toContain('slot.gone');
  await close(next, 'cancelled');
  expect(await looked()).toContain('slot.left');
  expect(await tell(next, { state: 'gone' })).toBe(204);
  expect(await looked()).toEqual(['slot.gone']);
});
