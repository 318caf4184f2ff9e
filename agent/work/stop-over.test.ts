import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { HooksOfRun } from '#core/hooks/hook.ts';
import type { JobStep } from '#core/ports/job-table.ts';
import type { WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { openFence } from './fence.ts';
import { openJobTable } from './job-table.ts';
import { openRunJournal } from './run-journal.ts';
import { stopOver } from './stop-over.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-over-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const runOf = (n: number): RunId => formatId('run', n, new Uint8Array(10));
const hostId = formatId('host', 1, new Uint8Array(10));
const orderOf = (runId: RunId, part?: 'before'): WorkOrder => ({
  ...{ runId, kind: 'no-op', hostId, lane: { owner: runId, kind: 'none' }, reconnectMinutes: 1, queuePrefix: '' },
  ...(part === undefined ? {} : { part }),
});
/** Works until it is stopped: as a backup holds its SQL session. */
const untilStopped = (step: JobStep): Promise<WorkResult> =>
  new Promise((_resolve, reject) => {
    step.signal.addEventListener('abort', () => {
      reject(step.signal.reason instanceof Error ? step.signal.reason : new Error('stopped'));
    });
  });

test('K-084 work whose run ended without it is stopped with all its parts; what the API cannot speak of goes on', async () => {
  const parts = { fence: openFence(), clock: { nowMs: () => 0 }, log: () => undefined };
  const jobs = openJobTable({ ...parts, journal: await openRunJournal(folder) });
  const [over, open, unknown] = [runOf(1), runOf(2), runOf(3)];
  const ended = [orderOf(over), orderOf(over, 'before')].map((order) => jobs.attach(order, untilStopped).end);
  const going = [open, unknown].map((runId) => jobs.attach(orderOf(runId), untilStopped).end);
  const stopped: RunId[] = [];
  const channel = {
    hooks: (runId: string): Promise<HooksOfRun> => {
      if (runId === over) return Promise.reject(fail('order_refused', { run: runId, host: hostId }));
      if (runId === unknown) return Promise.reject(fail('agent_stopping', {}));
      return Promise.resolve({
        hooks: {},
        facts: { runId: open, hostId, jobId: formatId('job', 1, new Uint8Array(10)), jobName: 'j', kind: 'no-op' },
      });
    },
  };
  await expect.poll(() => jobs.live().length).toBe(3);
  await stopOver({ jobs, channel, everyMs: 1, onStopped: (runId) => void stopped.push(runId) });
  for (const end of await Promise.all(ended)) expect(end).toMatchObject({ ok: false, error: { code: 'run_over' } });
  expect(stopped).toEqual([over]);
  expect([...jobs.live()].sort()).toEqual([open, unknown].sort());
  await jobs.close();
  for (const end of await Promise.all(going)) expect(end).toMatchObject({ error: { code: 'agent_stopping' } });
});

test('K-084 an agent that is cut off from Temporal and API for 59 minutes works on, and the attempt after them adopts the same work', async () => {
  let nowMs = 0;
  const parts = { fence: openFence(), clock: { nowMs: () => nowMs }, log: () => undefined };
  const jobs = openJobTable({ ...parts, journal: await openRunJournal(folder) });
  const order: WorkOrder = { ...orderOf(runOf(1)), reconnectMinutes: 60 };
  const steps: JobStep[] = [];
  const begin = (step: JobStep): Promise<WorkResult> => {
    steps.push(step);
    return untilStopped(step);
  };
  const first = jobs.attach(order, begin);
  await expect.poll(() => steps.length).toBe(1);
  const away = fail('api_unavailable', { url: 'http://away', request: 'GET hooks', cause: 'cut' });
  const channel = { hooks: () => Promise.reject(away) };
  const onStopped = (): never => expect.fail('work was stopped');
  for (; nowMs < 59 * 60_000; nowMs += 60_000) await stopOver({ jobs, channel, everyMs: 1, onStopped });
  expect(jobs.attach(order, begin)).toBe(first);
  expect([steps.length, steps[0]?.signal.aborted, first.isGivenUp()]).toEqual([1, false, false]);
  await jobs.close();
  expect(await first.end).toMatchObject({ error: { code: 'agent_stopping' } });
});
