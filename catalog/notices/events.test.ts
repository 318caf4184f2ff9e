import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId, RunId } from '#core/id.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { eventually } from '#tests/support/orchestra.ts';
import { sampleNoOp } from '#tests/support/samples.ts';
import { addEvent, eventsAfter, eventsBefore, forgetEvents, lastEventNumber, openOutcomeTeller } from './events.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { boundLog, keptLines } from '#catalog/runs/run-log-bound.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { addRun, addRunEvents, getRun, moveRun, runEventsAfter } from '#catalog/runs/runs.ts';

let store: TestCatalog;
let hostId: HostId;
const db = () => store.catalog;

beforeAll(async () => {
  store = await openTestCatalog();
  hostId = testIds('host');
  await addHost(db(), { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256: randomBytes(32) });
});
afterAll(() => store.close());

async function newRun(): Promise<RunId> {
  const [id, jobId] = [testIds('run'), testIds('job')];
  const spec = sampleNoOp(hostId);
  await addJob(db(), { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(db(), { id, jobId, spec, hostId, startedBy: 'test' });
  return id;
}

const typesOf = async (runId: RunId) => (await eventsAfter(db(), 0, 200, { runId })).map(({ type }) => type);

test('each state of a run becomes one event in the transaction that moves it, pauses none', async () => {
  const run = await newRun();
  await moveRun(db(), run, 'running');
  await moveRun(db(), run, 'paused');
  await moveRun(db(), run, 'running');
  const outcome = { state: 'failed', code: 'agent_lost', params: {}, message: 'the agent went away' } as const;
  await moveRun(db(), run, 'failed', outcome);
  await openOutcomeTeller(db()).tellOutcome(run);
  await openOutcomeTeller(db()).tellOutcome(run);
  const events = await eventsAfter(db(), 0, 200, { runId: run });
  expect(events.map(({ type }) => type)).toEqual(['run.queued', 'run.started', 'run.failed']);
  expect(events[2]?.data).toMatchObject({
    kind: 'no-op',
    host: 'db1',
    code: 'agent_lost',
    message: 'the agent went away',
  });
});

test('a transaction that is rolled back leaves no event, and the end of an open run is not told', async () => {
  const run = await newRun();
  const broken = db().transaction(async (inside) => {
    await moveRun(inside, run, 'running');
    await inside.change('select 1 / 0');
  });
  await expect(broken).rejects.toThrow();
  await openOutcomeTeller(db()).tellOutcome(run);
  expect(await typesOf(run)).toEqual(['run.queued']);
});

test('numbers of events grow in the order of commits, so that a reader misses none', async () => {
  const before = await lastEventNumber(db());
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let hasBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    hasBegun = resolve;
  });
  const slow = db().transaction(async (inside) => {
    await addEvent(inside, { type: 'host.offline', hostId, key: 'slow' });
    hasBegun();
    await held;
  });
  await begun;
  await addEvent(db(), { type: 'host.online', hostId });
  expect((await eventsAfter(db(), before, 10)).map(({ type }) => type)).toEqual(['host.online']);
  const seen = await lastEventNumber(db());
  letGo();
  await slow;
  expect((await eventsAfter(db(), seen, 10)).map(({ type }) => type)).toEqual(['host.offline']);
  expect(await addEvent(db(), { type: 'host.offline', hostId, key: 'slow' })).toBe(false);
});

test('concurrent writers of events neither deadlock nor share a number', async () => {
  const before = await lastEventNumber(db());
  await Promise.all(Array.from({ length: 40 }, () => addEvent(db(), { type: 'drill.failed' })));
  const events = await eventsAfter(db(), before, 100, { types: ['drill.failed'] });
  expect(new Set(events.map(({ seq }) => seq)).size).toBe(40);
  const [newest] = await eventsBefore(db(), undefined, 1);
  expect(newest?.seq).toBe(Math.max(...events.map(({ seq }) => seq)));
});

test('events are forgotten after their time', async () => {
  await db().change("update event set at = now() - interval '91 days' where type = 'drill.failed'");
  expect(await forgetEvents(db(), 90)).toBe(40);
});

test('of two writers of one log the second waits for the first, so that a follower sees every line', async () => {
  const run = await newRun();
  const lines = async () => (await runEventsAfter(db(), run, 0, 10)).map(({ message }) => message);
  let second: Promise<void> | undefined;
  await db().transaction(async (inside) => {
    await addRunEvents(inside, run, [{ level: 'info', message: 'first' }]);
    second = addRunEvents(db(), run, [{ level: 'info', message: 'second' }]);
    await waitUntilBlocked();
    expect(await lines()).toEqual([]);
  });
  await second;
  expect(await lines()).toEqual(['first', 'second']);
});

const waitUntilBlocked = () =>
  eventually(async () => {
    const waiting = await db().rows(z.unknown(), "select 1 from pg_stat_activity where wait_event_type = 'Lock'");
    return waiting.length > 0;
  });

test('the log of a run keeps its first and its last lines, and says where lines were left out', async () => {
  const run = await newRun();
  const addLines = (from: number, to: number) =>
    db().change(
      `insert into run_event (run_id, at, level, message) select $1, now(), 'info', 'line ' || n from generate_series($2::int, $3::int) n`,
      [run, from, to],
    );
  await addLines(1, 22_000);
  expect(await boundLog(db(), run)).toBe(0);
  await addLines(22_001, 30_000);
  expect(await boundLog(db(), run)).toBe(30_000 - keptLines.first - keptLines.last - 1);
  const lines = await runEventsAfter(db(), run, 0, 30_000);
  expect(lines).toHaveLength(keptLines.first + 1 + keptLines.last);
  expect(lines[keptLines.first - 1]?.message).toBe(`line ${String(keptLines.first)}`);
  expect(lines[keptLines.first]?.message).toMatch(/left out/);
  expect(lines[keptLines.first + 1]?.message).toBe('line 11001');
  expect(lines[lines.length - 1]?.message).toBe('line 30000');
});

test('a run that a stream keeps out of its lane is told how to end it, not to wait for its end', async () => {
  const [holder, run] = [await newRun(), await newRun()];
  await db().change("update run set kind = 'log-stream' where id = $1", [holder]);
  const params = { lane: 'log', owner: 'orders', holder, holding: 'another run' };
  const { code, message } = fail('lane_busy', params);
  await moveRun(db(), run, 'running');
  await openRunBook(db()).close(run, { state: 'failed', code, params, message });
  const { outcome } = await getRun(db(), run);
  if (outcome?.state !== 'failed') throw bug('the run of this test failed');
  const told = new HoldfastError('lane_busy', outcome.params);
  expect(told.hint).toMatch(new RegExp(`streams the log.*holdfast run cancel ${holder}$`));
  expect(told.inChinese().hint).toContain(`holdfast run cancel ${holder}`);
  expect(fail('lane_busy', params).hint).toMatch(/^Wait for that run/);
});

test('an outcome is recorded in the names of people, and tells whose run holds a lane; paths keep their ids', async () => {
  const holder = await newRun();
  const run = await newRun();
  const params = { lane: 'data', owner: hostId, holder, holding: 'another run', object: `pool/${hostId}/piece` };
  const message = `The data lane of ${hostId} is held by another run (${holder}), see pool/${hostId}/piece`;
  await moveRun(db(), run, 'running');
  await openRunBook(db()).close(run, { state: 'failed', code: 'lane_busy', params, message });
  const { outcome } = await getRun(db(), run);
  expect(outcome).toEqual({
    ...{ state: 'failed', code: 'lane_busy' },
    message: `The data lane of db1 is held by ad hoc (${holder}), see pool/${hostId}/piece`,
    params: { ...params, owner: 'db1', holding: 'ad hoc' },
  });
  const unknown = `nobody knows ${testIds('res')}`;
  const warned = await newRun();
  await openRunBook(db()).close(warned, {
    ...{ state: 'warned', result: {} },
    warnings: [
      { code: 'sample', detail: `on ${hostId}` },
      { code: 'sample', detail: unknown },
    ],
  });
  expect((await getRun(db(), warned)).outcome).toMatchObject({ warnings: [{ detail: 'on db1' }, { detail: unknown }] });
});
