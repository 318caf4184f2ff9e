import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import type { JobStep } from '#core/ports/job-table.ts';
import { noProgress } from '#core/run/progress.ts';
import type { LogLine } from '#core/run/progress.ts';
import type { RateLimits, RatesNow } from '#core/run/rate.ts';
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

const table = async (log: (runId: RunId, line: LogLine) => void = () => undefined): Promise<ClosableJobTable> =>
  openJobTable({
    journal: await openRunJournal(folder),
    fence: openFence(),
    clock: { nowMs: () => now },
    log,
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
  ).attach(other, () => Promise.reject(fail('lane_busy', { lane: 'data', owner: 'x', holding: 'z', holder: 'y' }))).end;
  const kept = await (await table()).attach(other, () => Promise.resolve(result)).end;
  expect(kept).toMatchObject({ ok: false, error: { code: 'lane_busy', params: { holder: 'y' } } });
});

test('an outside trouble is not journalled: the log tells it, and the next attempt begins again', async () => {
  const told: string[] = [];
  const jobs = await table((_, { message }) => told.push(message));
  const away = await jobs.attach(order, () => Promise.reject(fail('agent_silent', { host: 'h' }))).end;
  expect(away).toMatchObject({ ok: false, error: { isRetryable: true } });
  expect(told).toEqual([expect.stringMatching(/ \(agent_silent\)$/)]);
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

/** What a job that begins now sees, and its end. */
async function seenBy(jobs: ClosableJobTable, limits: RateLimits): Promise<RatesNow> {
  let seen: RatesNow = {};
  await jobs.attach(order, (step) => {
    step.startLimits(limits);
    seen = step.limits();
    return Promise.reject(fail('agent_silent', { host: 'h' }));
  }).end;
  return seen;
}

test('K-085 K-086 limits set by an operator win over those of the order and outlive a restart; what he did not set stays', async () => {
  await (await table()).setLimits(runId, { transferBytesPerSecond: 7_000_000 });
  const asked = { transferBytesPerSecond: 9_000_000, diskBytesPerSecond: 9_000_000 };
  expect(await seenBy(await table(), asked)).toEqual({ ...asked, transferBytesPerSecond: 7_000_000 });
  await (await table()).setLimits(runId, { diskBytesPerSecond: 0 });
  expect(await seenBy(await table(), asked)).toEqual({ transferBytesPerSecond: 7_000_000 });
});

test('K-085 a window of the order holds exactly in its hours, by the clock of the agent', async () => {
  const night = { weekdays: ['mon'], fromHour: 22, toHour: 6, zone: 'Asia/Shanghai', bytesPerSecond: 0 } as const;
  const asked = { transferBytesPerSecond: 5_000_000, transferWindows: [night] };
  for (const [at, seen] of [
    ['2026-11-23T21:59+08:00', { transferBytesPerSecond: 5_000_000 }],
    ['2026-11-24T05:59+08:00', {}],
  ] as const) {
    now = Date.parse(at);
    expect(await seenBy(await table(), asked)).toEqual(seen);
  }
});

test('a paused job says so to its step at once, and goes on when it is resumed', async () => {
  const jobs = await table();
  let step: JobStep | undefined;
  let finish: (value: WorkResult) => void = () => undefined;
  const job = jobs.attach(order, (its) => {
    step = its;
    return new Promise((resolve) => (finish = resolve));
  });
  await expect.poll(() => step?.limits()).toEqual({});
  await jobs.setPaused(runId, true);
  expect(step?.limits()).toEqual({ isPaused: true });
  await jobs.setPaused(runId, false);
  expect(step?.limits()).toEqual({});
  finish(result);
  expect(await job.end).toEqual({ ok: true, value: result });
});

test('a job that was paused when its agent died begins only when it is resumed; a cancel ends it before', async () => {
  await (await table()).setPaused(runId, true);
  const jobs = await table();
  let began = 0;
  const work = (): Promise<WorkResult> => {
    began += 1;
    return Promise.resolve(result);
  };
  const cancelled = jobs.attach(order, work);
  cancelled.cancel();
  expect(await cancelled.end).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  const job = (await table()).attach(order, work);
  await new Promise((resolve) => setImmediate(resolve));
  expect(began).toBe(0);
  // Why: it would begin, too, when it is resumed, and no two agents write one journal.
  job.cancel();
  await job.end;
  const resumed = await table();
  const again = resumed.attach(order, work);
  await resumed.setPaused(runId, false);
  expect(await again.end).toEqual({ ok: true, value: result });
  expect(began).toBe(1);
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

test('K-084 a step that asks whether its run is open and hears "over" ends as a cancel would: with its signal aborted', async () => {
  const over = fail('run_over', { run: runId });
  const jobs = openJobTable({
    journal: await openRunJournal(folder),
    ...{ fence: openFence(), clock: { nowMs: () => now }, log: () => undefined },
    gate: () => Promise.reject(over),
  });
  let signal: AbortSignal | undefined;
  const job = jobs.attach(order, async (step) => {
    ({ signal } = step);
    await step.demandOpen?.();
    return result;
  });
  expect(await job.end).toMatchObject({ ok: false, error: { code: 'run_over' } });
  expect(signal?.reason).toBe(over);
});
