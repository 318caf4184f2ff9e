import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import { eventsAfter } from '#catalog/notices/events.ts';
import { openJobBook, openJobRun } from '#catalog/runs/job-runs.ts';
import { enableJob, getJob, getKeptJob, keepJob, reviseJob } from '#catalog/jobs.ts';
import { bug } from '#core/errors/fail.ts';
import type { JobId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import { isTimed } from '#core/plan/plan.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBackup, sampleSet } from '#tests/support/samples.ts';
import type { ScheduleDoor } from '../schedules/schedule-door.ts';
import { openMakeUp } from '../schedules/make-up.ts';
import { openMissedRuns } from './missed-runs.ts';

const hourMs = 3_600_000;
/** Schedules that nobody asks for more than a firing. */
const idleDoor: ScheduleDoor = {
  ...{ put: () => Promise.resolve(), remove: () => Promise.resolve(), fire: () => Promise.resolve(false) },
  ...{ list: () => Promise.resolve([]), idOf: (job) => job },
};
let api: TestApi;
let jobId: JobId;
/** The first full hour behind the begin of the job: its plan runs at each. */
let hour: number;
beforeAll(async () => {
  api = await openTestApi();
  const { id: hostId } = await newHost(api, 'db1');
  jobId = testIds('job');
  const spec = { kind: 'no-op' as const, hostId, seconds: 0, reconnectMinutes: 1, whenBusy: 'refuse' as const };
  const plan = {
    ...{ type: 'hourly' as const, zone: 'UTC', from: '00:00', to: '23:59' },
    ...{ everyMinutes: 60, startDate: '2026-01-01' },
  };
  await keepJob(api.store.catalog, jobId, { name: 'hourly', spec, plan, work: {}, by: 'test' }, true);
  hour = Math.ceil(Date.now() / hourMs) * hourMs;
});
afterAll(() => api.close());

const missed = async (): Promise<readonly (readonly unknown[])[]> =>
  (await eventsAfter(api.store.catalog, 0, 1000))
    .filter(({ type }) => type === 'schedule.missed')
    .map(({ jobId: job, data }) => [job, data['due'], data['reason']]);
/** A look at a time, by an API that was just started. */
const look = (ms: number) => openMissedRuns({ catalog: api.store.catalog, clock: { nowMs: () => ms } })();

test('K-051 a due time at which no run began is told once, with its job and why: an overlap at once, an outage after its catch-up window', async () => {
  const { catalog } = api.store;
  const job = await getJob(catalog, jobId);
  await openJobRun(catalog, job, testIds, { startedBy: 'schedule', scheduledFor: instantFromMs(hour) });
  const book = openJobBook(catalog, testIds, () => hour + hourMs);
  for (let twice = 0; twice < 2; twice++)
    expect(await book.openScheduled(jobId, hour + hourMs)).toMatchObject({ verdict: 'nothing' });
  const overlap = [jobId, instantFromMs(hour + hourMs), expect.stringContaining('still waits') as string];
  expect(await missed()).toEqual([overlap]);

  expect(await look(hour + 26 * hourMs)).toBe(0);
  expect(await look(hour + 27 * hourMs)).toBe(1);
  expect(await look(hour + 27 * hourMs)).toBe(0);
  const outage = [jobId, instantFromMs(hour + 2 * hourMs), expect.stringContaining('was away for longer') as string];
  expect(await missed()).toEqual([overlap, outage]);
  const response = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api.adminToken}` } });
  expect(await response.text()).toContain('schedule_missed_runs{job="hourly"} 2');
});

test('K-051 what would have been due while a job was disabled is not missed', async () => {
  const { catalog } = api.store;
  await enableJob(catalog, jobId, false);
  expect(await look(hour + 40 * hourMs)).toBe(0);
  await enableJob(catalog, jobId, true);
  await catalog.change('update job set enabled_at = $2 where id = $1', [jobId, new Date(hour + 40 * hourMs)]);
  expect(await look(hour + 64 * hourMs)).toBe(0);
});

/** As if revisions, and the job, had come at these times. */
async function madeAt(id: JobId, ...times: readonly number[]): Promise<void> {
  const { catalog } = api.store;
  await catalog.change('update job set enabled_at = $2 where id = $1', [id, new Date(times[0] ?? 0)]);
  await catalog.change('alter table job_revision disable trigger user');
  for (const [i, ms] of times.entries())
    await catalog.change('update job_revision set created_at = $3 where job_id = $1 and n = $2', [
      id,
      i + 1,
      new Date(ms),
    ]);
  await catalog.change('alter table job_revision enable trigger user');
}

test('K-051 a time that passed before another part of a job was edited is still made up for and told; one before its plan was edited is not', async () => {
  const { catalog } = api.store;
  const { spec, plan } = await getKeptJob(catalog, jobId);
  if (!isTimed(plan)) throw bug('the job has no times');
  const id = testIds('job');
  const content = { name: 'edited', spec, plan, work: {}, by: 'test' };
  await keepJob(catalog, id, content, true);
  await reviseJob(catalog, id, 1, { ...content, work: { edited: 'another part' } });
  const due = hour + 100 * hourMs;
  const halfMs = hourMs / 2;
  await madeAt(id, due - halfMs, due + halfMs);
  const fired: number[] = [];
  const schedules: ScheduleDoor = {
    ...idleDoor,
    fire: (job, ms) => {
      if (job === id) fired.push(ms);
      return Promise.resolve(true);
    },
  };
  const makeUp = (ms: number): Promise<number> => openMakeUp({ catalog, clock: { nowMs: () => ms }, schedules })();
  const toldOf = async () => (await missed()).filter(([job]) => job === id).map(([, at]) => at);
  await makeUp(due + 0.75 * hourMs);
  expect(fired).toEqual([due]);
  await look(due + 25 * hourMs);
  expect(await toldOf()).toContain(instantFromMs(due));
  // Only the plan as it is now counts, also when it was the same once.
  await reviseJob(catalog, id, 2, { ...content, plan: { ...plan, zone: 'Asia/Shanghai' } });
  await reviseJob(catalog, id, 3, content);
  const next = due + 200 * hourMs;
  await madeAt(id, next - 3 * halfMs, next - halfMs, next + halfMs / 4, next + halfMs / 2);
  await makeUp(next + 0.75 * hourMs);
  await look(next + 24.5 * hourMs);
  expect(fired).toEqual([due]);
  expect(await toldOf()).not.toContain(instantFromMs(next));
});

test('K-051 a planned run of a resource that has no host is told as missed at once with why; who removes a resource hears of its enabled jobs', async () => {
  const { catalog } = api.store;
  const host = await newHost(api, 'db2');
  const resourceId = await newResource(api, { name: 'main', hostId: host.id });
  const poolId = await newPool(api, 'first', host.id);
  const spec = sampleBackup(resourceId, poolId);
  const { plan } = await getKeptJob(catalog, jobId);
  const [nightly, off] = [testIds('job'), testIds('job')];
  await keepJob(catalog, nightly, { name: 'nightly', spec, plan, work: {}, by: 'test' }, true);
  await keepJob(catalog, off, { name: 'off', spec, plan, work: {}, by: 'test' }, false);
  await indexSet(catalog, sampleSet(resourceId), poolId);
  const removed = await runLine(api, ['resource', 'rm', 'main']);
  expect(removed.out).toContain('can run no longer: nightly.');
  const book = openJobBook(catalog, testIds, () => hour);
  const why = 'Resource main is known only from a pool; no host has it';
  for (let twice = 0; twice < 2; twice++)
    expect(await book.openScheduled(nightly, hour)).toEqual({ verdict: 'nothing', reason: why });
  expect((await missed()).filter(([job]) => job === nightly)).toEqual([[nightly, instantFromMs(hour), why]]);
  expect(await catalog.rows(z.unknown(), 'select 1 from run where job_id = $1', [nightly])).toEqual([]);
});
