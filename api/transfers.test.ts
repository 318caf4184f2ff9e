import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { JobContent } from '#catalog/jobs.ts';
import { keepJob, reviseJob } from '#catalog/jobs.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { getRun } from '#catalog/runs/runs.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { Plan } from '#core/plan/plan.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { PlacesTold } from '#core/transfer/task.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { inPlace } from '#tests/support/samples.ts';

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
const begun = (does: JobSpec = spec): Promise<RunId> => begunRun(api, { spec: does, hostId: host.id, resourceId });
const runShape = z.looseObject({ id: idShape('run') });

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
  // Its swap may have happened all the same: only who looks knows.
  expect(await retry(before)).toMatchObject({ status: 409, body: { code: 'run_not_repeatable' } });
  expect(JSON.stringify((await retry(before)).body)).toContain('undo or confirm it first');
  const undoing = runShape.parse((await settle(before, 'undo')).body).id;
  await openRunBook(api.store.catalog).close(undoing, { state: 'succeeded', result: {} });
  expect(await retry(before)).toMatchObject({ status: 202 });
  const untold = await begun();
  await failRun(untold);
  expect(await retry(untold)).toMatchObject({ status: 202 });
});

test('a replacing run whose work was done is not tried again when the script after it made it fail', async () => {
  const retry = (run: RunId) => api.ask('POST', `/api/v1/runs/${run}/retry`);
  const params = { hook: 'after', script: 'tell.sh', exit: '1' };
  const failure = { state: 'failed' as const, code: 'script_failed', params, message: 'the script failed' };
  const lost = { ...failure, code: 'agent_lost', params: { host: host.id, minutes: '1' } };
  for (const outcome of [failure, { ...lost, hasWorked: true as const }]) {
    const run = await begun(inPlace(host.id, spec.poolId, resourceId));
    await openRunBook(api.store.catalog).close(run, outcome);
    expect(await retry(run)).toMatchObject({ status: 409, body: { code: 'run_not_repeatable' } });
  }
  // Before the work a script, or a lost agent, left everything as it was.
  for (const outcome of [{ ...failure, params: { ...params, hook: 'before' } }, lost]) {
    const run = await begun(inPlace(host.id, spec.poolId, resourceId));
    await openRunBook(api.store.catalog).close(run, outcome);
    expect(await retry(run)).toMatchObject({ status: 202 });
  }
});

const onceAt = { type: 'once' as const, zone: 'UTC', date: '2030-01-01', at: '02:00' };
test.each([[{ type: 'immediate' as const }], [onceAt]])(
  'a job that replaced something live is not started again with the same consent: %o',
  async (plan) => {
    const { catalog } = api.store;
    const content = (more: object, by: Plan = plan): JobContent => ({
      ...{
        name: `one ${plan.type}`,
        spec,
        plan: by,
        work: { kind: 'logical-restore', consent: 'main', ...more },
        by: 't',
      },
    });
    const job = testIds('job');
    await keepJob(catalog, job, content({}), true);
    const start = () => api.ask('POST', `/api/v1/jobs/${job}/runs`);
    const began = async (): Promise<RunId> => {
      const { status, body } = await start();
      expect(status).toBe(202);
      const run = runShape.parse(body).id;
      await openRunBook(catalog).begin(run);
      return run;
    };
    // A start that failed before its swap used nothing up, and a new name or time makes no new consent.
    await failRun(await began());
    await openRunBook(catalog).close(await began(), { state: 'succeeded', result: {} });
    await reviseJob(catalog, job, 1, { ...content({}), name: `renamed ${plan.type}` });
    expect(await start()).toMatchObject({ status: 409, body: { code: 'run_not_repeatable' } });
    await reviseJob(catalog, job, 2, content({ channels: 2 }));
    const unsure = await began();
    await tell(unsure, { placed: places, isSwapped: false });
    await failRun(unsure);
    expect(JSON.stringify((await start()).body)).toContain('undo or confirm it first');
    // A job that is kept to be started by hand stays that.
    await reviseJob(catalog, job, 3, content({ channels: 2 }, { type: 'manual' }));
    await began();
  },
);
