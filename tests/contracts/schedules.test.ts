import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readKeyFile } from '#api/pools/key-files.ts';
import { openMissedRuns } from '#api/notices/missed-runs.ts';
import { openMakeUp } from '#api/schedules/make-up.ts';
import { isInStep, reconcile } from '#api/schedules/reconcile.ts';
import type { ScheduleDoor } from '#api/schedules/schedule-door.ts';
import { openScheduleDoor } from '#api/schedules/schedule-door.ts';
import { eventsAfter } from '#catalog/notices/events.ts';
import { tellMissed } from '#catalog/runs/missed-runs.ts';
import { openJobBook } from '#catalog/runs/job-runs.ts';
import { getKeptJob } from '#catalog/jobs.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { listRuns } from '#catalog/runs/runs.ts';
import { instantFromMs } from '#core/instant.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import type { PlanBody } from '#core/settings/plan.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { clock, eventually } from '#tests/support/orchestra.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { payloadKeyOf } from '#wire/payload-key.ts';
import { serveWorkers } from '#wire/serve-workers.ts';
import { createControlWorker } from '#workers/control-worker.ts';
import { openLaneDoor } from '#workers/lane-door.ts';

let api: TestApi;
let client: Client;
let door: ScheduleDoor;
let serving: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  api = await openTestApi();
  const { temporalAddress: address, temporalNamespace: namespace, queuePrefix } = api.settings;
  const payloadKey = payloadKeyOf(await readKeyFile(`${api.home}/payload.key`));
  client = openTemporalClient({ address, namespace }, payloadKey);
  door = openScheduleDoor(client, queuePrefix, clock);
  const { catalog } = api.store;
  const teller = { tellOutcome: () => Promise.resolve() };
  const search = { isReady: () => Promise.resolve(false) };
  const jobs = openJobBook(catalog, testIds, clock.nowMs);
  const deps = { book: openRunBook(catalog), door: openLaneDoor(client), teller, jobs, search };
  const bundlePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));
  const settings = { namespace, queuePrefix, bundlePath, payloadKey };
  const open = async (connection: Parameters<typeof createControlWorker>[0]) => [
    await createControlWorker(connection, settings, deps),
  ];
  serving = serveWorkers({ place: { address, namespace }, open, onTrouble: () => undefined }, stop.signal);
  await newHost(api, 'alpha');
});
afterAll(async () => {
  stop.abort();
  await serving;
  await client.connection.close();
  await api.close();
});

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const jobShape = z.looseObject({
  id: z.string(),
  revision: z.number(),
  schedule: z.string(),
  nextRuns: z.array(z.string()),
});
let made = 0;
const create = async (plan: PlanBody, more = {}): Promise<z.output<typeof jobShape>> => {
  made += 1;
  const work = { kind: 'no-op', host: 'alpha' };
  const { status, body } = await api.ask('POST', '/api/v1/jobs', { name: `job${String(made)}`, plan, work, ...more });
  expect({ status, body }).toMatchObject({ status: 201 });
  return jobShape.parse(body);
};
const kept = (id: string) => getKeptJob(api.store.catalog, id);
const ports = () => ({ catalog: api.store.catalog, schedules: door, clock });
const seen = async (id: string) => (await door.list()).find(({ jobId }) => jobId === id);
const handle = async (id: string) => client.schedule.getHandle(door.idOf((await kept(id)).id));
const daily = (at: string, startDate = '2026-01-01', zone = 'America/New_York'): PlanBody => ({
  type: 'daily',
  zone,
  at,
  everyDays: 1,
  startDate,
});
const runsOf = async (id: string) =>
  (await listRuns(api.store.catalog, { limit: 100 })).data.filter(({ jobId }) => jobId === id);

test('K-055 schedules follow their jobs, and whatever was done to them behind our back is made good', async () => {
  const [one, two, three, four] = [
    await create(daily('02:00')),
    await create(daily('03:00')),
    await create(daily('04:00')),
    await create(daily('05:00')),
  ];
  const stranger = `${api.settings.queuePrefix}job:job_${'0'.repeat(32)}`;
  await eventually(async () => (await door.list()).length === 4);
  const template = await (await handle(one.id)).describe();
  await client.schedule.create({
    scheduleId: stranger,
    spec: { intervals: [{ every: '30d' }] },
    action: template.action,
    state: { paused: true },
  });
  await (await handle(one.id)).delete();
  await (await handle(two.id)).pause('somebody was here');
  await (
    await handle(three.id)
  ).update((previous) => ({
    ...previous,
    spec: { calendars: [{ hour: 17 }] },
    state: { ...previous.state, paused: false },
  }));
  const isHarmed = async (id: string): Promise<boolean> => {
    const found = await seen(id);
    return found === undefined || !isInStep(await kept(id), found, clock.nowMs());
  };
  await eventually(
    async () =>
      (await isHarmed(one.id)) &&
      (await isHarmed(two.id)) &&
      (await isHarmed(three.id)) &&
      (await door.list()).some(({ jobId }) => jobId?.endsWith('000') === true),
  );
  expect(await reconcile(ports())).toEqual({ made: 1, mended: 2, removed: 1 });
  await eventually(
    async () =>
      (await door.list()).length === 4 &&
      !(await isHarmed(one.id)) &&
      !(await isHarmed(two.id)) &&
      !(await isHarmed(three.id)),
  );
  expect(await reconcile(ports())).toEqual({ made: 0, mended: 0, removed: 0 });
  expect((await api.ask('POST', `/api/v1/jobs/${two.id}/disable`)).body).toMatchObject({
    isEnabled: false,
    nextRuns: [],
  });
  await eventually(async () => (await seen(two.id))?.isPaused === true);
  await api.ask('PUT', `/api/v1/jobs/${three.id}`, { revision: 1, plan: { type: 'manual' } });
  expect((await api.ask('DELETE', `/api/v1/jobs/${four.id}`)).body).toEqual({ schedule: 'in-step' });
  await eventually(async () => (await door.list()).length === 2);
  expect(await reconcile(ports())).toEqual({ made: 0, mended: 0, removed: 0 });
});

test('K-055 a schedule that somebody made begin a year later is put back, though all its times are those of the plan', async () => {
  const { id } = await create(daily('02:30', '2026-01-01', 'Asia/Shanghai'));
  const isInOrder = async (): Promise<boolean> => {
    const found = await seen(id);
    return found !== undefined && isInStep(await kept(id), found, clock.nowMs());
  };
  await eventually(isInOrder);
  const startAt = new Date(clock.nowMs() + 365 * dayMs);
  await (await handle(id)).update((previous) => ({ ...previous, spec: { ...previous.spec, startAt } }));
  await eventually(async () => ((await seen(id))?.nextMs[0] ?? 0) > clock.nowMs() + 300 * dayMs);
  expect(await isInOrder()).toBe(false);
  expect((await reconcile(ports())).mended).toBeGreaterThan(0);
  await eventually(isInOrder);
});

test('K-052 a plan of one time makes one run, by the revision that is current then; a time that is none of the plan makes none', async () => {
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 10_000).toISOString();
  const { id } = await create({ type: 'once', zone: 'UTC', date: at.slice(0, 10), at: at.slice(11, 19) });
  const work = { kind: 'no-op', host: 'alpha', seconds: 7 };
  expect((await api.ask('PUT', `/api/v1/jobs/${id}`, { revision: 1, work })).status).toBe(200);
  const refused = await api.ask('PUT', `/api/v1/jobs/${id}`, { revision: 1, work });
  expect(refused).toMatchObject({ status: 409, body: { code: 'job_changed' } });
  // Hours away, whenever this runs: that moment must be no time of the plan.
  const inSixHours = new Date(Date.now() + 6 * 3_600_000).toISOString().slice(11, 16);
  const other = await create(daily(inSixHours, '2026-01-01', 'UTC'));
  await (await handle(other.id)).trigger();
  await eventually(async () => (await runsOf(id)).length > 0);
  const [run, ...more] = await runsOf(id);
  expect({ run, more }).toMatchObject({ run: { trigger: 'schedule', revision: 2, startedBy: 'schedule' }, more: [] });
  expect(
    await openJobBook(api.store.catalog, testIds, clock.nowMs).openScheduled((await kept(id)).id, Date.parse(at)),
  ).toMatchObject({ runId: run?.id });
  const isTold = await waitFor(async () => {
    const { recentActions, numActionsTaken } = (await (await handle(other.id)).describe()).info;
    return numActionsTaken === 1 && recentActions.length === 1;
  }, 20_000);
  expect(isTold).toBe(true);
  expect(await runsOf(other.id)).toEqual([]);
});

/** As if the job had been there for two days. */
async function isOld(id: string): Promise<void> {
  const { catalog } = api.store;
  const from = new Date(clock.nowMs() - 2 * dayMs);
  await catalog.change('update job set enabled_at = $2 where id = $1', [id, from]);
  await catalog.change('alter table job_revision disable trigger user');
  await catalog.change('update job_revision set created_at = $2 where job_id = $1', [id, from]);
  await catalog.change('alter table job_revision enable trigger user');
}
const dayMs = 86_400_000;
const minutesAgo = (minutes: number): string => new Date(clock.nowMs() - minutes * 60_000).toISOString();
/** A plan that was due so many minutes ago. */
const dueAgo = (minutes: number): PlanBody => daily(minutesAgo(minutes).slice(11, 19), '2026-01-01', 'UTC');

test('K-051 a time that was due while Temporal had no schedule of its job runs once when that is made again; one that is told of as missed, or is of a disabled job, does not', async () => {
  const [lost, paused, told, off] = [
    await create(dueAgo(10)),
    await create(dueAgo(20)),
    await create(dueAgo(30)),
    await create(dueAgo(40)),
  ];
  for (const { id } of [lost, paused, told, off]) await isOld(id);
  await api.ask('POST', `/api/v1/jobs/${off.id}/disable`);
  await (await handle(lost.id)).delete();
  await (await handle(paused.id)).pause('somebody was here');
  const { plan, ...job } = await kept(told.id);
  const [due = 0] = nextRuns(plan, clock.nowMs() - dayMs, 1);
  await tellMissed(api.store.catalog, {
    ...{ job: { ...job, resourceId: null }, due: instantFromMs(due), reason: 'a run of it waits' },
  });
  const makeUp = openMakeUp(ports());
  await eventually(async () => (await seen(lost.id)) === undefined && (await seen(paused.id))?.isPaused === true);
  // Without its schedule it waits for that, instead of being lost.
  expect(await makeUp()).toBe(1);
  await reconcile(ports());
  expect([await makeUp(), await makeUp()]).toEqual([1, 0]);
  // Another API that was just started may ask again: it stays one run.
  await openMakeUp(ports())();
  await eventually(async () => (await runsOf(lost.id)).length + (await runsOf(paused.id)).length >= 2);
  expect(await openMakeUp(ports())()).toBe(0);
  for (const { id } of [lost, paused])
    expect(await runsOf(id)).toMatchObject([{ trigger: 'schedule', startedBy: 'schedule' }]);
  expect([...(await runsOf(told.id)), ...(await runsOf(off.id))]).toEqual([]);
  const [row] = await api.store.catalog.rows(
    z.object({ at: z.unknown() }),
    'select scheduled_for as at from run where job_id = $1',
    [lost.id],
  );
  expect(row?.at).toBe(instantFromMs(nextRuns((await kept(lost.id)).plan, clock.nowMs() - dayMs, 1)[0] ?? 0));
});

test('K-051 a time at which Temporal fires while a run of the job still waits is told as missed at once; one without a schedule once its window is over', async () => {
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 4000).toISOString();
  const once: PlanBody = { type: 'once', zone: 'UTC', date: at.slice(0, 10), at: at.slice(11, 19) };
  const [waits, lost] = [await create(once), await create(once)];
  await api.ask('POST', `/api/v1/jobs/${waits.id}/runs`);
  await (await handle(lost.id)).delete();
  const missed = async () =>
    (await eventsAfter(api.store.catalog, 0, 1000)).filter(
      ({ type, jobId }) => type === 'schedule.missed' && [waits.id, lost.id].includes(jobId ?? ''),
    );
  await eventually(async () => (await missed()).length > 0);
  expect(await missed()).toMatchObject([{ jobId: waits.id, data: { reason: like(/still waits/) } }]);
  const later = { catalog: api.store.catalog, clock: { nowMs: () => Date.parse(at) + 25 * 3_600_000 } };
  await openMissedRuns(later)();
  expect(await missed()).toMatchObject([{ jobId: waits.id }, { jobId: lost.id, data: { reason: like(/24 h/) } }]);
  expect(await runsOf(lost.id)).toEqual([]);
});

const traps: readonly [string, PlanBody][] = [
  ['a daily plan in a gap', daily('02:30', '2027-03-12')],
  ['a daily plan in an hour that comes twice', daily('01:30', '2027-11-05')],
  ['a daily plan in an hour that comes twice in Berlin', daily('02:00', '2027-10-29', 'Europe/Berlin')],
  ['a daily plan in half an hour that comes twice', daily('01:30', '2027-04-02', 'Australia/Lord_Howe')],
  [
    'a Sunday in an hour that comes twice in London',
    { type: 'weekly', zone: 'Europe/London', at: '01:00', everyWeeks: 1, weekdays: ['sun'], startDate: '2027-10-25' },
  ],
  [
    'every hour of a night of London that comes twice',
    { type: 'hourly', zone: 'Europe/London', from: '00:00', to: '08:00', everyMinutes: 60, startDate: '2027-10-31' },
  ],
  [
    'a Sunday that has no midnight',
    {
      type: 'weekly',
      zone: 'America/Santiago',
      at: '23:00',
      everyWeeks: 1,
      weekdays: ['sun'],
      startDate: '2027-09-01',
    },
  ],
  ['midnight in a gap at midnight', daily('00:00', '2027-03-12', 'America/Havana')],
  [
    'six hours over a gap',
    {
      type: 'hourly',
      zone: 'America/New_York',
      from: '00:00',
      to: '23:00',
      everyMinutes: 360,
      startDate: '2027-03-14',
    },
  ],
  [
    'half an hour of summer time',
    {
      type: 'hourly',
      zone: 'Australia/Lord_Howe',
      from: '00:00',
      to: '23:00',
      everyMinutes: 180,
      startDate: '2027-04-03',
    },
  ],
  [
    'last Friday of the month',
    {
      type: 'monthly',
      zone: 'Asia/Shanghai',
      at: '02:00',
      months: [1, 2, 3],
      on: { weeks: ['last'], weekdays: ['fri'] },
      startDate: '2027-01-01',
    },
  ],
];
test.each(traps)('K-054…K-057 the server fires for each time of %s', async (_what, plan) => {
  const { id } = await create(plan, { isEnabled: false });
  const { nextActionTimes } = (await (await handle(id)).describe()).info;
  const fired = nextActionTimes.map((time) => time.getTime());
  const due = nextRuns((await kept(id)).plan, clock.nowMs(), 10).filter((ms) => ms <= (fired[fired.length - 1] ?? 0));
  expect(due.length).toBeGreaterThan(1);
  expect(fired).toEqual(expect.arrayContaining(due));
});

test('K-053 K-074 K-078 what cannot be planned, cloned or run again is refused, and a preview saves nothing', async () => {
  const ask = async (path: string, body?: unknown) => (await api.ask('POST', `/api/v1${path}`, body)).body;
  const plan = { type: 'monthly', zone: 'Asia/Shanghai', at: '02:00', on: { weeks: ['last'], weekdays: ['fri'] } };
  const preview = await ask('/schedules/preview', { plan, after: '2027-01-01T00:00:00Z', count: 2 });
  const due = ['2027-01-28T18:00:00.000000Z', '2027-02-25T18:00:00.000000Z'];
  expect(preview).toMatchObject({ nextRuns: due, words: 'every month on the last fri at 02:00 Asia/Shanghai' });
  const work = { kind: 'no-op', host: 'alpha' };
  const refusal = async (bad: unknown) => ask('/jobs', { name: 'bad', plan: bad, work });
  const never = { ...plan, months: [2], on: { days: [30, 31] } };
  expect(await refusal(never)).toMatchObject({ code: 'plan_never' });
  expect(await refusal({ ...plan, zone: 'Asia/Nowhere' })).toMatchObject({ code: 'plan_bad' });
  expect(await refusal({ type: 'once', zone: 'UTC', date: '2020-01-01', at: '02:00' })).toMatchObject({
    code: 'plan_over',
  });
  expect((await api.ask('GET', '/api/v1/jobs/bad')).status).toBe(404);
  const { id } = await create({ type: 'manual' });
  expect(await ask(`/jobs/${id}/clone`, { name: 'twin' })).toMatchObject({ code: 'job_not_cloned' });
  const run = z.looseObject({ jobId: z.string() }).parse(await ask('/runs', work));
  expect(await ask(`/jobs/${run.jobId}/runs`)).toMatchObject({ code: 'job_ad_hoc' });
  const started = await ask(`/jobs/${id}/runs`);
  expect(started).toMatchObject({ jobId: id, trigger: 'manual', revision: 1 });
  await api.ask('DELETE', `/api/v1/jobs/${id}`);
  expect(await ask(`/jobs/${id}/runs`)).toMatchObject({ code: 'job_deleted' });
});
