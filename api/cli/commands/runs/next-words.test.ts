import { expect, test } from 'vitest';
import { testIds } from '#tests/support/catalog.ts';
import { runShape } from '#catalog/runs/runs.ts';
import { jobText } from '#api/cli/commands/jobs/job-words.ts';
import { runText } from './run-words.ts';

const [id, setId] = [testIds('run'), testIds('set')];
const run = runShape.parse({
  ...{ id, jobId: testIds('job'), jobName: 'nightly', revision: 1, kind: 'full-backup', hostId: testIds('host') },
  ...{ resourceId: testIds('res'), hostName: 'db1', resourceName: 'main', trigger: 'manual', setId, hasSet: true },
  ...{ startedBy: 'ops', createdAt: '2026-11-21T08:00:00Z', beganAt: '2026-11-21T08:00:01Z' },
  ...{ closedAt: '2026-11-21T08:03:31Z', state: 'succeeded' },
  outcome: { state: 'succeeded', result: { bytesRead: 3 * 2 ** 20, storedBytes: 2 ** 20, channels: 2 } },
});

test('the end of a run is told in words: what, how much, how long, where, and what comes next', () => {
  const text = runText(run);
  expect(text).toMatch(/job +nightly\nresource main\nstate +succeeded/);
  expect(text).toMatch(/took +4 min\n/);
  expect(text).toMatch(/bytes read: 3\.0 MiB\n +stored bytes: 1\.0 MiB/);
  expect(text).toContain(`next     look: holdfast set show ${setId} · prove: holdfast set verify ${setId} --wait`);
  expect(text).not.toMatch(/[{}]/);
});

test('a run that failed names its log and the way to do it again, and a set that is there all the same', () => {
  const outcome = { state: 'failed', code: 'agent_unreachable', params: {}, message: 'away' } as const;
  const failed = runText({ ...run, state: 'failed', outcome });
  expect(failed).toContain(`set      ${setId} (in the catalog, though the run did not end well)`);
  expect(failed).toContain(`next     read: holdfast run logs ${id} · when it is mended: holdfast run retry ${id}`);
  expect(runText({ ...run, state: 'failed', outcome, hasSet: false })).not.toContain(setId);
  expect(runText({ ...run, state: 'running', outcome: null, closedAt: null, hasSet: false })).not.toMatch(/next|took/);
});

test('the work of a job is shown in words, not in JSON', () => {
  const spec = { kind: 'no-op', hostId: run.hostId, seconds: 0, reconnectMinutes: 10, whenBusy: 'wait' } as const;
  const job = {
    ...{ id: run.jobId, kind: 'care' as const, name: 'nightly', revision: 1, spec, plan: null, isAdHoc: false },
    ...{ isEnabled: true, deletedAt: null, createdBy: 'ops', createdAt: run.createdAt, nextRuns: [] },
    work: { kind: 'full-backup', resource: 'main', options: { channels: 4, limits: { transfer: 1024 } } },
  };
  const text = jobText(job);
  expect(text).toMatch(/work\n {2}kind: full-backup\n {2}resource: main\n {2}options\.channels: 4\n/);
  expect(text).toContain('options.limits.transfer: 1024');
  expect(text).not.toMatch(/[{}"]/);
});
