import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
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
  await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
});
afterAll(async () => {
  await platform.close();
});

const job = async (...args: string[]) => jobShape.parse(await platform.done(['job', ...args]));
const backupJob = (name: string, type: string, ...plan: string[]) =>
  job('create', 'backup', name, ...where, '--type', type, '--zone', 'UTC', ...plan);
const runsOf = async (id: string): Promise<Run[]> =>
  z
    .array(runShape)
    .parse(await platform.done(['run', 'ls', '--limit', '200']))
    .filter(({ jobId }) => jobId === id);
const isOver = ({ state }: Run): boolean => !['queued', 'running', 'paused'].includes(state);
const untilOver = async (id: string, count = 1): Promise<Run[]> => {
  let runs: Run[] = [];
  const isDone = async (): Promise<boolean> => {
    runs = await runsOf(id);
    return runs.filter(isOver).length >= count;
  };
  expect(await waitFor(isDone, 90_000)).toBe(true);
  return runs;
};
/** `--plan once` some seconds from now. */
const soon = (seconds: number): string[] => {
  const at = new Date(Date.now() + seconds * 1000).toISOString();
  return ['--plan', 'once', '--date', at.slice(0, 10), '--at', at.slice(11, 19)];
};

test('K-051…K-060 jobs run by themselves: every minute, once at a time, and through a restart of Temporal at that time', async () => {
  const minutely = await backupJob('minutely', 'log', '--plan', 'hourly', '--every', '1m');
  expect(minutely.nextRuns).toHaveLength(10);
  const first = await backupJob('first', 'full', '--plan', 'immediate');
  await untilOver(first.id);

  // A full and an incremental of the same second: neither is lost, whichever came first.
  const second = soon(6);
  const [full, incremental] = [
    await backupJob('full', 'full', ...second),
    await backupJob('incremental', 'incremental', ...second),
  ];
  const [[fullRun], [incrementalRun]] = [await untilOver(full.id), await untilOver(incremental.id)];
  expect(fullRun).toMatchObject({ state: 'succeeded', trigger: 'schedule', kind: 'full-backup' });
  expect(['succeeded', 'skipped']).toContain(incrementalRun?.state);

  // The schedule of a job fires while Temporal is away.
  const late = await backupJob('late', 'full', ...soon(4));
  await platform.stack.kill('temporal');
  expect(await waitFor(() => Promise.resolve(Date.now() > Date.parse(late.nextRuns[0] ?? '') + 500), 30_000)).toBe(
    true,
  );
  const saved = await platform.holdfast(['job', 'disable', 'first']);
  expect(saved).toMatchObject({ exit: 0, out: { schedule: 'pending', isEnabled: false } });
  await platform.stack.start('temporal');
  expect(await untilOver(late.id)).toMatchObject([{ state: 'succeeded', trigger: 'schedule' }]);

  const [minute] = await untilOver(minutely.id);
  expect(minute).toMatchObject({ trigger: 'schedule', kind: 'log-backup', revision: 1 });
  const { nextRuns } = await job('show', 'minutely');
  expect(nextRuns).toHaveLength(10);
});

test('K-078 a job is edited while it runs, cloned, started, disabled and deleted by command line', async () => {
  const nightly = await backupJob('nightly', 'full', '--plan', 'daily', '--at', '02:00', '--limit-disk', '2MiB/s');
  const { id } = runShape.parse(await platform.done(['job', 'start', 'nightly']));
  const edited = await job(
    'edit',
    'nightly',
    '--every',
    '2',
    '--set',
    'options.limits={}',
    '--rename',
    'other-nightly',
  );
  expect(edited).toMatchObject({
    name: 'other-nightly',
    revision: 2,
    plan: { type: 'daily', at: '02:00', everyDays: 2 },
  });
  await platform.done(['run', 'cancel', id]);
  expect(await untilOver(nightly.id)).toMatchObject([{ id, revision: 1, trigger: 'manual' }]);
  expect(await platform.done(['job', 'start', 'other-nightly', '--wait'])).toMatchObject({
    revision: 2,
    state: 'succeeded',
  });
  expect(await job('clone', 'other-nightly', 'twin')).toMatchObject({ isEnabled: false, revision: 1, nextRuns: [] });
  expect(await platform.refused(2, ['job', 'clone', 'other-nightly', 'twin'])).toMatchObject({ code: 'name_taken' });
  expect(await job('enable', 'twin')).toMatchObject({ isEnabled: true });
  await platform.done(['job', 'rm', 'twin']);
  expect(await platform.refused(2, ['job', 'show', 'twin'])).toMatchObject({ code: 'job_unknown' });
  const names = z
    .array(jobShape)
    .parse(await platform.done(['job', 'ls']))
    .map(({ name }) => name);
  expect(names).toContain('other-nightly');
  expect(names).not.toContain('twin');
  const bad = ['job', 'create', 'backup', 'never', ...where, '--type', 'full', '--at', '02:00', '--zone', 'UTC'];
  expect(await platform.refused(2, [...bad, '--plan', 'monthly', '--months', '2', '--days', '31'])).toMatchObject({
    code: 'plan_never',
  });
  expect(await platform.refused(2, [...bad, '--plan', 'daily', '--every', '0'])).toMatchObject({ code: 'plan_bad' });
});

test('K-058…K-060 the recommended strategy is three jobs in one command', async () => {
  const apply = ['strategy', 'apply', ...where, '--zone', 'Asia/Shanghai'];
  expect(await platform.done([...apply, '--dry-run'])).toMatchObject({ jobs: [] });
  const answer = z.looseObject({ jobs: z.array(jobShape) }).parse(await platform.done(apply));
  expect(answer.jobs.map(({ name }) => name)).toEqual(['main-full', 'main-incremental', 'main-log']);
  expect(await platform.refused(2, apply)).toMatchObject({ code: 'name_taken' });
});

test('K-099 a restore job is made, started and refused a plan that repeats it', async () => {
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
});
