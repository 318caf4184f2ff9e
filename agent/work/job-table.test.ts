import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import { noProgress } from '#core/run/progress.ts';
import type { WorkOrder, WorkResult } from '#core/run/work-order.ts';
import { openFence } from './fence.ts';
import type { ClosableJobTable } from './job-table.ts';
import { openJobTable } from './job-table.ts';
import { openRunJournal } from './run-journal.ts';

let folder = '';
let now = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-jobs-'));
  now = 1_000_000;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const table = async (): Promise<ClosableJobTable> =>
  openJobTable({
    journal: await openRunJournal(folder),
    fence: openFence(),
    clock: { nowMs: () => now },
    log: () => undefined,
  });
const runId: RunId = formatId('run', 1, new Uint8Array(10));
const order: WorkOrder = {
  ...{ runId, kind: 'no-op', hostId: formatId('host', 1, new Uint8Array(10)) },
  ...{ lane: { owner: 'res', kind: 'data' }, reconnectMinutes: 2, queuePrefix: '' },
};
const result: WorkResult = { report: { n: 1 }, warnings: [] };

test('a second attempt adopts the running job instead of beginning another', async () => {
  const jobs = await table();
  let began = 0;
  let finish: (value: WorkResult) => void = () => undefined;
  const work = (): Promise<WorkResult> => {
    began += 1;
    return new Promise((resolve) => (finish = resolve));
  };
  const first = jobs.attach(order, work);
  const second = jobs.attach(order, work);
  await expect.poll(() => began).toBe(1);
  finish(result);
  expect(await first.end).toEqual({ ok: true, value: result });
  expect(await second.end).toEqual({ ok: true, value: result });
  expect(began).toBe(1);
});

test('a finished job answers from its journal after a restart, success and final failure alike', async () => {
  await (await table()).attach(order, () => Promise.resolve(result)).end;
  const again = (await table()).attach(order, () => Promise.reject(fail('agent_stopping', {})));
  expect(await again.end).toEqual({ ok: true, value: result });
  const other = { ...order, runId: formatId('run', 2, new Uint8Array(10)) };
  await (
    await table()
  ).attach(other, () => Promise.reject(fail('lane_busy', { lane: 'data', owner: 'x', holder: 'y' }))).end;
  const kept = await (await table()).attach(other, () => Promise.resolve(result)).end;
  expect(kept).toMatchObject({ ok: false, error: { code: 'lane_busy', params: { holder: 'y' } } });
});

test('an outside trouble is not journalled: the next attempt begins again', async () => {
  const jobs = await table();
  const away = await jobs.attach(order, () => Promise.reject(fail('agent_silent', { host: 'h' }))).end;
  expect(away).toMatchObject({ ok: false, error: { isRetryable: true } });
  expect(await jobs.attach(order, () => Promise.resolve(result)).end).toEqual({ ok: true, value: result });
});

test('K-084 outside trouble is borne for the reconnect time, counted anew after every progress', async () => {
  const jobs = await table();
  const away = (bytesWritten: number) =>
    jobs.attach(order, (step) => {
      step.report({ ...noProgress, bytesWritten });
      return Promise.reject(fail('agent_silent', { host: 'h' }));
    });
  const isGivenUp = async (bytesWritten: number): Promise<boolean> => {
    const job = away(bytesWritten);
    await job.end;
    return job.isGivenUp();
  };
  expect(await isGivenUp(0)).toBe(false);
  now += 119_000;
  expect(await isGivenUp(0)).toBe(false);
  now += 1000;
  expect(await isGivenUp(10)).toBe(false);
  now += 120_000;
  expect(await isGivenUp(10)).toBe(true);
});

test('cancel stops the step and is its end, whatever the step threw on its way out', async () => {
  const jobs = await table();
  const job = jobs.attach(
    order,
    (step) =>
      new Promise((_resolve, reject) => {
        step.signal.addEventListener('abort', () => {
          reject(fail('agent_silent', { host: 'h' }));
        });
      }),
  );
  await expect.poll(() => job.progress().phase).toBe('queued');
  job.cancel();
  expect(await job.end).toMatchObject({ ok: false, error: { code: 'cancelled' } });
});

test('a stop of the agent ends its jobs retryably and journals nothing', async () => {
  const jobs = await table();
  const job = jobs.attach(
    order,
    (step) =>
      new Promise((_resolve, reject) => {
        step.signal.addEventListener('abort', () => {
          reject(fail('agent_silent', { host: 'h' }));
        });
      }),
  );
  await jobs.close();
  expect(await job.end).toMatchObject({ ok: false, error: { code: 'agent_stopping', isRetryable: true } });
  expect(await (await table()).attach(order, () => Promise.resolve(result)).end).toEqual({ ok: true, value: result });
});

test('K-085 limits set by an operator win over those of the order and outlive a restart', async () => {
  await (await table()).setLimits(runId, { transferBytesPerSecond: 7_000_000 });
  const jobs = await table();
  let seen: unknown;
  await jobs.attach(order, (step) => {
    step.startLimits({ transferBytesPerSecond: 9_000_000, diskBytesPerSecond: 9_000_000 });
    seen = step.limits();
    return Promise.resolve(result);
  }).end;
  expect(seen).toEqual({ transferBytesPerSecond: 7_000_000 });
});

test('a journal that cannot be read is said so, with the file, instead of doing the work twice', async () => {
  await (await table()).attach(order, () => Promise.resolve(result)).end;
  writeFileSync(join(folder, `${runId}.end.json`), '{"ok":');
  let began = 0;
  const job = (await table()).attach(order, () => {
    began += 1;
    return Promise.resolve(result);
  });
  expect(await job.end).toMatchObject({ ok: false, error: { code: 'agent_journal_damaged' } });
  expect(began).toBe(0);
});
