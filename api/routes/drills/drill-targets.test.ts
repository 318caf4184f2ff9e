import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDrillTarget, storeDrillTarget, takeDrillTarget } from '#catalog/drills/drill-targets.ts';
import { addJob } from '#catalog/jobs.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { JobSpecOf } from '#core/settings/job-spec.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
let host: { readonly id: HostId; readonly key: string };
let orders: ResourceId;
let spare: ResourceId;
let spec: JobSpecOf<'drill'>;

beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  orders = await newResource(api, { name: 'orders', hostId: host.id });
  spare = await newResource(api, { name: 'spare', hostId: host.id });
  spec = {
    ...{ kind: 'drill', hostId: host.id, poolId: await newPool(api, 'first', host.id), sourceId: orders },
    ...{ channels: 1, limits: {}, reconnectMinutes: 1, whenBusy: 'refuse' },
    checks: { isPageChecked: false, isStructureChecked: false, sql: [] },
    target: { resourceId: spare, afterwards: 'close' },
  };
});
afterAll(() => api.close());

const refusal = async (...line: string[]): Promise<string> => (await runLine(api, line)).err;
const drillTo = (target: string): string[] => ['drill', 'run', '--resource', 'orders', '--target', target];

test('K-092 K-105 a drill is refused on its source and on an instance that nobody consented to; consent is the name, typed', async () => {
  expect(await refusal(...drillTo('orders'))).toContain('drill_target_is_source');
  expect(await refusal(...drillTo('spare'))).toContain('drill_target_unmarked');
  expect(await refusal('drill', 'target', 'mark', 'spare', '--consent', 'orders')).toContain(
    'drill_target_consent_mismatch',
  );
  expect(await findDrillTarget(api.store.catalog, spare)).toBeUndefined();
});

test('K-092 marked instances are listed', async () => {
  expect((await runLine(api, ['drill', 'target', 'ls'])).out).toContain('No drill target');
  await storeDrillTarget(api.store.catalog, { id: spare, token: 'secret-token', markedBy: 'admin' });
  const listed = (await runLine(api, ['drill', 'target', 'ls', '--json'])).out;
  expect(listed).toContain('"spare"');
  expect(listed).not.toContain('secret-token');
  expect((await runLine(api, ['drill', 'target', 'mark', 'spare'])).out).toContain('spare is a drill target');
});

const storeMark = (): Promise<number> =>
  storeDrillTarget(api.store.catalog, { id: spare, token: 'secret-token', markedBy: 'admin' });

/** A drill to the spare instance that waits to begin. */
async function recorded(): Promise<RunId> {
  const { catalog } = api.store;
  const [runId, jobId] = [testIds('run'), testIds('job')];
  await addJob(catalog, { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(catalog, { id: runId, jobId, spec, hostId: host.id, resourceId: orders, startedBy: 'test' });
  return runId;
}

/** What an agent is told right before it closes the instance. */
const confirm = async (run: RunId, token = 'secret-token', as = host.key): Promise<unknown> =>
  (await api.ask('POST', `/agent/v1/runs/${run}/drill-target`, { token }, { as })).status;

test('K-092 K-105 a mark is not taken away while a drill to the instance is queued or runs: the run is named', async () => {
  const { catalog } = api.store;
  await storeMark();
  const run = await recorded();
  expect(await refusal('drill', 'target', 'unmark', 'spare')).toContain(run);
  expect(await refusal('resource', 'rm', 'spare')).toContain(run);
  await moveRun(catalog, run, 'running');
  expect(await confirm(run)).toBe(409);
  expect(await takeDrillTarget(catalog, { id: spare, runId: run })).toMatchObject({ resource: 'spare' });
  expect([await confirm(run), await confirm(run, 'another'), await confirm(run, '', api.adminToken)]).toEqual([
    204, 409, 401,
  ]);
  expect(await refusal('drill', 'target', 'unmark', 'spare')).toContain('drill_target_in_use');
  expect(await findDrillTarget(catalog, spare)).toBeDefined();
  await moveRun(catalog, run, 'cancelled');
  // What works on after its run has ended closes nothing.
  expect(await confirm(run)).not.toBe(204);
  const unmarked = await runLine(api, ['drill', 'target', 'unmark', 'spare']);
  expect(unmarked.out).toContain('spare is no drill target');
});

test('K-092 K-105 a drill that was recorded before the mark was taken away finds none', async () => {
  const { catalog } = api.store;
  await storeMark();
  expect((await runLine(api, ['drill', 'target', 'unmark', 'spare'])).code).toBe(0);
  const run = await recorded();
  await moveRun(catalog, run, 'running');
  expect(await takeDrillTarget(catalog, { id: spare, runId: run })).toBeUndefined();
  expect(await confirm(run)).toBe(409);
  await moveRun(catalog, run, 'failed', { state: 'failed', code: 'drill_target_unmarked', params: {}, message: '' });
});

test('K-092 the agent of a drill that is over may still ask whether its report is stored; another host may not', async () => {
  const { catalog } = api.store;
  const run = await recorded();
  await moveRun(catalog, run, 'cancelled');
  const ask = (as: string) => api.ask('POST', `/agent/v1/runs/${run}/drill-report/close`, undefined, { as });
  expect(await ask(host.key)).toMatchObject({ status: 200, body: { isStored: false } });
  const other = await newHost(api, 'db2');
  expect(await ask(other.key)).toMatchObject({ body: { code: 'order_refused' } });
});

test('K-092 a target is that of one run at a time', async () => {
  const { catalog } = api.store;
  await storeMark();
  const [first, second] = [await recorded(), await recorded()];
  for (const run of [first, second]) await moveRun(catalog, run, 'running');
  const taken = await Promise.allSettled(
    [first, second].map((runId) => takeDrillTarget(catalog, { id: spare, runId })),
  );
  expect(taken.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [winner, loser] = taken[0]?.status === 'fulfilled' ? [first, second] : [second, first];
  await expect(takeDrillTarget(catalog, { id: spare, runId: loser })).rejects.toMatchObject({
    code: 'drill_target_in_use',
    params: { target: 'spare', run: winner },
  });
  expect([await confirm(winner), await confirm(loser)]).toEqual([204, 409]);
  await moveRun(catalog, winner, 'cancelled');
  expect(await takeDrillTarget(catalog, { id: spare, runId: loser })).toBeDefined();
  await moveRun(catalog, loser, 'cancelled');
});
