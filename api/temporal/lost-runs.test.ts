import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRun, moveRun, runShape } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import { runWorkflowId } from '#workflows/contract.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';
import { openLostRuns } from './lost-runs.ts';
import { openRunDoor } from './temporal.ts';

let api: TestApi;
let client: Client;
beforeAll(async () => {
  api = await openTestApi();
  await newHost(api, 'db1');
  client = new Client({ connection: await Connection.connect({ address: api.settings.temporalAddress }) });
});
afterAll(async () => {
  await client.connection.close();
  await api.close();
});

const start = async (): Promise<RunId> =>
  runShape.parse((await api.ask('POST', '/api/v1/runs', { kind: 'no-op', host: 'db1' })).body).id;
const stateOf = async (run: RunId): Promise<string> => (await getRun(api.store.catalog, run)).state;

test('a run whose workflow was terminated is closed when its agent had the time to stop; one at work is left alone', async () => {
  const { catalog } = api.store;
  let passedMs = 0;
  const clock = { nowMs: () => Date.now() + passedMs };
  const look = openLostRuns({
    ...{ catalog, clock, log: pino({ level: 'silent' }) },
    runs: openRunDoor(client, api.settings.queuePrefix, clock),
  });
  const [lost, working] = [await start(), await start()];
  await moveRun(catalog, lost, 'running');
  await client.workflow.getHandle(runWorkflowId(lost)).terminate('by hand');
  expect(await look()).toBe(0);
  expect(await stateOf(lost)).toBe('running');
  passedMs = 13 * 60_000;
  expect(await look()).toBe(1);
  expect(await getRun(catalog, lost)).toMatchObject({ state: 'failed', outcome: { code: 'run_lost' } });
  expect(await stateOf(working)).toBe('queued');
  expect(await look()).toBe(0);
});
