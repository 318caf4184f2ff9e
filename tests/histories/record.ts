import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { provideTemporal } from '#scripts/servers/temporal.mjs';
import { startTemporal } from '#scripts/supervisor/temporal.ts';
import type { ScheduledRun } from '#core/ports/job-book.ts';
import { controlQueue, fireWorkflow, fireWorkflowId } from '#workflows/contract.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { HookName, Hooks } from '#core/hooks/hook.ts';
import { planOfHooks } from '#core/hooks/hook.ts';
import { openPayloadCodec } from '#wire/payload-codec.ts';
import { registerSearchAttributes } from '#wire/search-attributes.ts';
import type { AgentParts, Orchestra } from '../support/orchestra.ts';
import { sampleSet } from '../support/samples.ts';
import { eventually, newId, noOpOrder, openAgent, openOrchestra, testKey, ticketOf } from '../support/orchestra.ts';

/*
 * Records one history for each way a run can go, decoded, beside this file: `node --import tsx tests/histories/record.ts [part…]`.
 * A change of workflow code that replays an old history differently would break runs under way; replay.test.ts finds it.
 */

const isPayload = (value: object): value is Payload => 'metadata' in value && 'data' in value && value.data instanceof Uint8Array;

/** Payloads of a history in clear: the files must replay without the key that sealed them. */
async function decoded(value: unknown, codec: PayloadCodec): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item: unknown) => decoded(item, codec)));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (isPayload(value)) {
    const [plain] = await codec.decode([value]);
    return plain;
  }
  const keys: [string, unknown][] = Object.entries(value);
  for (const [key, inner] of keys) Reflect.set(value, key, await decoded(inner, codec));
  return value;
}

async function record(orchestra: Orchestra, workflowId: string, name: string, execution?: string): Promise<void> {
  const history = await orchestra.client.workflow.getHandle(workflowId, execution).fetchHistory();
  await decoded(history, openPayloadCodec(testKey));
  writeFileSync(fileURLToPath(new URL(`${name}.json`, import.meta.url)), `${historyToJSON(history)}\n`);
}

async function undisturbed(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 0) });
  const ticket = ticketOf(hostId, { subjects: { jobId: newId('job'), resourceId: newId('res'), poolId: newId('pool') } });
  await (await orchestra.start(ticket)).result();
  const lane = orchestra.client.workflow.getHandle(`lane:${ticket.runId}`);
  await eventually(async () => (await lane.describe()).status.name === 'COMPLETED');
  await record(orchestra, `run:${ticket.runId}`, 'execute-run.undisturbed');
  await record(orchestra, `work:${ticket.runId}:none`, 'work.undisturbed');
  await record(orchestra, `lane:${ticket.runId}`, 'lane.undisturbed');
  await agent.stop();
}

async function waitedAndCancelled(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 3600) });
  const owner = newId('res');
  const [first, second, refused] = (['wait', 'wait', 'refuse'] as const).map((whenBusy) => ticketOf(hostId, { lane: { owner, kind: 'data' }, whenBusy }));
  if (first === undefined || second === undefined || refused === undefined) return;
  const cancelled = await orchestra.start(first);
  await eventually(() => agent.began(first.runId));
  const waited = await orchestra.start(second);
  await eventually(async () => (await waited.query<{ detail: string }>('status')).detail.startsWith('number'));
  await (await orchestra.start(refused)).result().catch(() => undefined);
  await cancelled.executeUpdate('throttle', { args: [{ transferBytesPerSecond: 1_000_000 }] });
  await cancelled.cancel();
  await cancelled.result().catch(() => undefined);
  await record(orchestra, `run:${first.runId}`, 'execute-run.throttled-and-cancelled');
  await record(orchestra, `work:${owner}:data`, 'work.begun-after-waiting');
  await eventually(() => agent.began(second.runId));
  await waited.cancel();
  await waited.result().catch(() => undefined);
  await record(orchestra, `run:${second.runId}`, 'execute-run.waited-then-cancelled');
  await record(orchestra, `run:${refused.runId}`, 'execute-run.refused');
  await record(orchestra, `work:${owner}:data`, 'work.cancelled');
  await record(orchestra, `lane:${owner}`, 'lane.two-in-line');
  await agent.stop();
}

async function pausedAndCancelled(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const order = noOpOrder(hostId, 3600);
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order });
  const ticket = ticketOf(hostId);
  const run = await orchestra.start(ticket);
  await eventually(() => agent.began(ticket.runId));
  for (const update of ['pause', 'resume', 'pause']) await run.executeUpdate(update);
  await run.cancel();
  await run.result().catch(() => undefined);
  await record(orchestra, `run:${ticket.runId}`, 'execute-run.paused-and-cancelled');
  await agent.stop();
}

/** What a schedule starts: once with a run that is due, once with none. */
async function fired({ address }: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const jobId = newId('job');
  const ticket = ticketOf(hostId);
  const answers: ScheduledRun[] = [
    { verdict: 'opened', runId: ticket.runId, kind: ticket.kind },
    { verdict: 'nothing', reason: 'the plan has no run at this time' },
  ];
  const orchestra = openOrchestra(address, { openScheduled: () => Promise.resolve(answers.shift() ?? { verdict: 'nothing', reason: '' }) });
  orchestra.book.add(ticket);
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 0) });
  const { client, queuePrefix } = orchestra;
  const schedule = await client.schedule.create({
    scheduleId: `${queuePrefix}job:${jobId}`,
    spec: { intervals: [{ every: '365d' }] },
    action: { type: 'startWorkflow', workflowType: fireWorkflow, workflowId: fireWorkflowId(jobId), taskQueue: `${queuePrefix}${controlQueue}`, args: [{ jobId, queuePrefix }] },
  });
  for (const name of ['run-due', 'nothing-due']) {
    const count = answers.length;
    await schedule.trigger();
    await eventually(() => answers.length < count);
    const { recentActions } = (await schedule.describe()).info;
    const started = recentActions[recentActions.length - 1]?.action.workflow.workflowId ?? '';
    await client.workflow.getHandle(started).result();
    await record(orchestra, started, `fire-job.${name}`);
  }
  await eventually(() => orchestra.book.outcome(ticket.runId) !== undefined);
  await schedule.delete();
  await agent.stop();
  await orchestra.close();
}

type Scripts = { readonly [N in HookName]?: string };

/** A run whose scripts do this; an order that cannot be had makes its work fail. */
async function scripted(orchestra: Orchestra, folder: string, scripts: Scripts, order?: AgentParts['order']) {
  const hostId = newId('host');
  const home = join(folder, hostId);
  const directory = join(home, 'scripts');
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const hooks: Hooks = Object.fromEntries(
    Object.entries(scripts).map(([name, does]) => {
      writeFileSync(join(directory, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
      return [name, { script: name, args: [], timeoutSeconds: 60, onFailure: name === 'after' ? 'warn' : 'fail' }];
    }),
  );
  const ticket = ticketOf(hostId, { hooks: planOfHooks(hooks) ?? {}, subjects: { jobId: newId('job') } });
  const { runId } = ticket;
  const facts = { runId, hostId, jobId: newId('job'), jobName: 'recorded', kind: 'no-op' };
  const agent = await openAgent(orchestra, {
    ...{ folder: home, hostId, work: {}, order: order ?? noOpOrder(hostId, 0) },
    scripts: { directory, of: () => Promise.resolve({ hooks, facts }) },
  });
  return { agent, ticket, directory, run: await orchestra.start(ticket) };
}

async function withScripts(orchestra: Orchestra, folder: string): Promise<void> {
  const broken = () => Promise.reject(fail('set_damaged', { set: 'set_x', count: '1', object: 'meta', what: 'flipped' }));
  const shapes = [
    { name: 'scripts', scripts: { precondition: '', before: '', after: '' } },
    { name: 'skipped-by-precondition', scripts: { precondition: 'exit 1', after: '' } },
    { name: 'failed-in-before-script', scripts: { before: 'exit 2', after: '' } },
    { name: 'after-script-failed', scripts: { after: 'exit 2' } },
    { name: 'after-script-of-a-failed-run', scripts: { after: '' }, order: broken },
  ];
  for (const { name, scripts, order } of shapes) {
    const { agent, ticket, run } = await scripted(orchestra, folder, scripts, order);
    await run.result().catch(() => undefined);
    await record(orchestra, `run:${ticket.runId}`, `execute-run.${name}`);
    if (name === 'scripts' || name === 'failed-in-before-script') await record(orchestra, `work:${ticket.runId}:none`, `work.${name}`);
    await agent.stop();
  }
}

async function cancelledInScript(orchestra: Orchestra, folder: string): Promise<void> {
  const begun = join(folder, 'begun');
  const { agent, ticket, run } = await scripted(orchestra, folder, { before: `touch ${begun}; sleep 1000`, after: '' });
  await eventually(() => existsSync(begun));
  await run.cancel();
  await run.result().catch(() => undefined);
  await record(orchestra, `run:${ticket.runId}`, 'execute-run.cancelled-in-before-script');
  await record(orchestra, `work:${ticket.runId}:none`, 'work.cancelled-in-before-script');
  await agent.stop();
}

/** The agent is away for good: the reconnect time passes. */
async function neverReached(orchestra: Orchestra): Promise<void> {
  const ticket = ticketOf(newId('host'), { reconnectMinutes: 0.02 });
  await (await orchestra.start(ticket)).result().catch(() => undefined);
  await record(orchestra, `run:${ticket.runId}`, 'execute-run.agent-never-reached');
}

/** A set that is made and read back. */
async function verifiedAfter(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const setId = newId('set');
  const set = { ...sampleSet(newId('res')), setId };
  const figures = { objects: 3, bytes: 1000, damage: [] };
  const order = { kind: 'full-backup', hostId, setId } as unknown as OrderOf<'full-backup'>;
  const agent = await openAgent(orchestra, {
    ...{ folder: join(folder, hostId), hostId },
    work: { takeFullBackup: () => Promise.resolve(set), verifySet: () => Promise.resolve(figures) },
    order: (runId) => Promise.resolve({ ...order, options: { limits: {} }, runId } as unknown as OrderOf<'full-backup'>),
  });
  const ticket = ticketOf(hostId, { kind: 'full-backup', setId, verifyAfter: 'full' });
  await (await orchestra.start(ticket)).result();
  await record(orchestra, `run:${ticket.runId}`, 'execute-run.verified-after');
  await record(orchestra, `work:${ticket.runId}:none`, 'work.verified-after');
  await agent.stop();
}

const waits = (run: { query<T>(name: string): Promise<T> }) => async () =>
  (await run.query<{ detail: string }>('status')).detail.startsWith('number');

/** What becomes of runs that stand in line: a full of a plan sends an incremental away, a cancel takes one out, work dies without a word. */
async function inLine(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const owner = newId('res');
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 3600) });
  const data = { owner, kind: 'data', family: 'pool' } as const;
  const ask = (more: Parameters<typeof ticketOf>[1]) => ticketOf(hostId, { lane: data, whenBusy: 'wait', ...more });
  const holder = ask({});
  const incremental = ask({ kind: 'incremental-backup' });
  const full = ask({ kind: 'full-backup', lane: { ...data, isReplacing: true } });
  const left = ask({});
  const held = await orchestra.start(holder);
  await eventually(() => agent.began(holder.runId));
  const sentAway = await orchestra.start(incremental);
  await eventually(waits(sentAway));
  const next = await orchestra.start(full);
  await sentAway.result().catch(() => undefined);
  await record(orchestra, `run:${incremental.runId}`, 'execute-run.replaced-by-a-full');
  const leaving = await orchestra.start(left);
  await eventually(waits(leaving));
  await leaving.cancel();
  await leaving.result().catch(() => undefined);
  await record(orchestra, `run:${left.runId}`, 'execute-run.cancelled-in-line');
  await orchestra.client.workflow.getHandle(`work:${owner}:data`).terminate('recorded');
  await held.result().catch(() => undefined);
  await record(orchestra, `run:${holder.runId}`, 'execute-run.work-ended-without-a-word');
  await next.cancel();
  await next.result().catch(() => undefined);
  const lane = orchestra.client.workflow.getHandle(`lane:${owner}`);
  await eventually(async () => (await lane.describe()).status.name === 'COMPLETED');
  await record(orchestra, `lane:${owner}`, 'lane.replaced-cancelled-and-broken');
  await agent.stop();
}

/** A lane that is long: it lets nobody in any more, and goes on in a new history with those who wait. */
async function goesOnAnew(_shared: Orchestra, folder: string): Promise<void> {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': '12' };
  const own = await startTemporal({ program: await provideTemporal(), folder: mkdtempSync(join(folder, 'own-')), dynamicConfig });
  const orchestra = openOrchestra(own.address);
  try {
    await registerSearchAttributes(orchestra.client);
    const hostId = newId('host');
    const owner = newId('res');
    const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 2) });
    const tickets = [1, 2, 3].map(() => ticketOf(hostId, { lane: { owner, kind: 'data' }, whenBusy: 'wait' }));
    const runs = [];
    for (const ticket of tickets) runs.push(await orchestra.start(ticket));
    for (const run of runs) await run.result();
    const lane = `lane:${owner}`;
    await eventually(async () => (await orchestra.client.workflow.getHandle(lane).describe()).status.name === 'COMPLETED');
    const { raw } = await orchestra.client.workflow.getHandle(lane).describe();
    await record(orchestra, lane, 'lane.goes-on-in-a-new-history', raw.workflowExecutionInfo?.firstRunId ?? '');
    await record(orchestra, lane, 'lane.begun-with-a-line');
    await agent.stop();
  } finally {
    await orchestra.close();
    await own.child.stop();
  }
}

const parts = { inLine, goesOnAnew, withScripts, cancelledInScript, neverReached, verifiedAfter, undisturbed, waitedAndCancelled, pausedAndCancelled, fired };
/** All of them, or those that are named on the command line. */
const wanted = Object.entries(parts).filter(([name]) => process.argv.length < 3 || process.argv.includes(name));
const folder = mkdtempSync(join(tmpdir(), 'hf-histories-'));
const server = await startTemporal({ program: await provideTemporal(), folder });
const orchestra = openOrchestra(server.address);
try {
  await registerSearchAttributes(orchestra.client);
  for (const [, part] of wanted) await part(orchestra, folder);
} finally {
  await orchestra.close();
  await server.child.stop();
  rmSync(folder, { recursive: true, force: true });
}
