import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { engineTitle } from '#tests/support/platform-instance.ts';

let platform: Platform;
let api: HoldfastClient;
const where = ['--resource', 'main', '--pool', 'vault'];
const runShape = z.looseObject({
  ...{
    id: z.string(),
    jobId: z.string(),
    kind: z.string(),
    state: z.string(),
    trigger: z.string(),
    revision: z.number(),
  },
  ...{ beganAt: z.string().nullable(), closedAt: z.string().nullable() },
});
type Run = z.output<typeof runShape>;
const jobShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  revision: z.number(),
  nextRuns: z.array(z.string()),
});

beforeAll(async () => {
  platform = await openPlatform();
  api = new HoldfastClient(platform.stack.places.apiUrl, platform.stack.places.adminTokenPath);
  await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
});
afterAll(async () => {
  await platform.close();
});

const job = async (...args: string[]) => jobShape.parse(await platform.done(['job', ...args]));
/** A job by the API: what is created here is due within seconds, and a process takes some to start. */
const createJob = async (name: string, kind: object, plan: object) =>
  jobShape.parse(await api.post('/jobs', { name, plan, work: { ...kind, resource: 'main', pool: 'vault' } }));
const full = { kind: 'full-backup' };
const runsOf = async (id: string): Promise<Run[]> => {
  const { data } = await api.get<{ data: unknown }>('/runs?limit=200');
  return z
    .array(runShape)
    .parse(data)
    .filter(({ jobId }) => jobId === id);
};
const isOver = ({ state }: Run): boolean => !['queued', 'running', 'paused'].includes(state);
const untilOver = async (id: string, count = 1): Promise<Run[]> => {
  let runs: Run[] = [];
  const isDone = async (): Promise<boolean> => {
    runs = await runsOf(id).catch(() => []);
    return runs.filter(isOver).length >= count;
  };
  expect(await waitFor(isDone, 110_000)).toBe(true);
  return runs;
};
/** A plan of one time, some seconds from now. */
const soon = (seconds: number) => {
  const at = new Date(Date.now() + seconds * 1000).toISOString();
  return { type: 'once', zone: 'UTC', date: at.slice(0, 10), at: at.slice(11, 19) };
};

test(`K-051 K-054 jobs run by themselves, at once and every minute; a full and an incremental of one second both count: ${engineTitle}`, async () => {
  const everyMinute = { type: 'hourly', zone: 'Asia/Shanghai', everyMinutes: 1 };
  const minutely = await createJob('minutely', { kind: 'log-backup' }, everyMinute);
  const first = await createJob('first', full, { type: 'immediate' });
  expect(await untilOver(first.id)).toMatchObject([{ state: 'succeeded', trigger: 'manual' }]);
  const second = soon(8);
  const incremental = await createJob('incremental', { kind: 'incremental-backup', type: 'differential' }, second);
  const whole = await createJob('whole', full, second);
  expect(await untilOver(whole.id)).toMatchObject([{ state: 'succeeded', trigger: 'schedule', kind: 'full-backup' }]);
  const [other] = await untilOver(incremental.id);
  expect(['succeeded', 'skipped']).toContain(other?.state);
  const [minute] = await untilOver(minutely.id);
  expect(minute).toMatchObject({ trigger: 'schedule', kind: 'log-backup', revision: 1 });
  await platform.done(['job', 'disable', 'minutely']);
  expect((await job('show', 'minutely')).nextRuns).toEqual([]);
});

test(`K-052 a job whose time comes while Temporal is away runs when it is back, and one that is saved meanwhile is kept: ${engineTitle}`, async () => {
  const late = await createJob('late', full, soon(5));
  const [due = ''] = late.nextRuns;
  await platform.stack.kill('temporal');
  expect(await waitFor(() => Promise.resolve(Date.now() > Date.parse(due) + 500), 30_000)).toBe(true);
  const saved = createJob('saved', full, { type: 'daily', zone: 'UTC', at: '02:00' });
  expect(await saved).toMatchObject({ schedule: 'pending' });
  await platform.stack.start('temporal');
  expect(await untilOver(late.id)).toMatchObject([{ state: 'succeeded', trigger: 'schedule' }]);
});

test(`K-078 a job is created, edited while it runs, cloned, started and deleted by command line: ${engineTitle}`, async () => {
  const plan = ['--plan', 'daily', '--at', '02:00', '--zone', 'UTC', '--limit-disk', '1MiB/s'];
  const nightly = await job('create', 'backup', 'nightly', ...where, '--type', 'full', ...plan);
  const { id } = runShape.parse(await platform.done(['job', 'start', 'nightly']));
  const change = ['--every', '2', '--set', 'options.limits={}', '--rename', 'other-nightly'];
  const edited = await job('edit', 'nightly', ...change);
  expect(edited).toMatchObject({ revision: 2, plan: { type: 'daily', at: '02:00', everyDays: 2 } });
  await platform.done(['run', 'cancel', id]);
  expect(await untilOver(nightly.id)).toMatchObject([{ id, revision: 1, trigger: 'manual' }]);
  expect(await platform.done(['job', 'start', 'other-nightly', '--wait'])).toMatchObject({ revision: 2 });
  expect(await job('clone', 'other-nightly', 'twin')).toMatchObject({ isEnabled: false, revision: 1, nextRuns: [] });
  await platform.done(['job', 'rm', 'twin']);
  expect(await platform.refused(2, ['job', 'show', 'twin'])).toMatchObject({ code: 'job_unknown' });
});

test('K-074 a plan that cannot be kept is refused by command line before anything is saved', async () => {
  const bad = ['job', 'create', 'backup', 'never', ...where, '--type', 'full', '--at', '02:00', '--zone', 'UTC'];
  const never = [...bad, '--plan', 'monthly', '--months', '2', '--days', '31'];
  expect(await platform.refused(2, never)).toMatchObject({ code: 'plan_never' });
  expect(await platform.refused(2, [...bad, '--plan', 'daily', '--every', '0'])).toMatchObject({
    code: 'option_invalid',
  });
  const { exit, refusal } = await platform.holdfast(['job', 'show', 'never']);
  expect({ exit, refusal }).toMatchObject({ exit: 2, refusal: { code: 'job_unknown' } });
});

test('K-058…K-060 the recommended strategy is three jobs in one command', async () => {
  const apply = ['strategy', 'apply', ...where, '--zone', 'Asia/Shanghai'];
  expect(await platform.done([...apply, '--dry-run'])).toMatchObject({ jobs: [] });
  const answer = z.looseObject({ jobs: z.array(jobShape) }).parse(await platform.done(apply));
  expect(answer.jobs.map(({ name }) => name)).toEqual(['main-full', 'main-incremental', 'main-log']);
  expect(await platform.refused(2, apply)).toMatchObject({
    code: 'strategy_applied',
    params: { jobs: expect.stringContaining('main-log') as unknown },
  });
});

test(`K-099 K-100 a restore job is made, started, edited and deleted, and refused a plan that repeats it: ${engineTitle}`, async () => {
  const to = `${platform.folder}/rehearsal`;
  const restore = [
    'job',
    'create',
    'restore',
    'rehearsal',
    '--resource',
    'main',
    '--immediate',
    '--to',
    to,
    '--closed',
  ];
  expect(
    await platform.refused(2, [...restore, '--plan', 'daily', '--run-at', '02:00', '--zone', 'UTC']),
  ).toMatchObject({ code: 'plan_unfit' });
  const made = jobShape.parse(await platform.done(restore));
  expect(await platform.done(['job', 'start', 'rehearsal', '--wait'])).toMatchObject({
    state: 'succeeded',
    kind: 'restore',
    jobId: made.id,
  });
  expect(await platform.refused(2, ['job', 'clone', 'rehearsal', 'second'])).toMatchObject({ code: 'job_not_cloned' });
  expect(await job('edit', 'rehearsal', '--rename', 'rehearsed')).toMatchObject({ revision: 2 });
  await platform.done(['job', 'rm', 'rehearsed']);
});
