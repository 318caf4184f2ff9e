import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsAfter } from '#catalog/notices/events.ts';
import { openJobBook, openJobRun } from '#catalog/runs/job-runs.ts';
import { enableJob, getJob, keepJob } from '#catalog/jobs.ts';
import type { JobId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { openMissedRuns } from './missed-runs.ts';

const hourMs = 3_600_000;
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

const missed = async (): Promise<readonly unknown[]> =>
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
