import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { provideTemporal } from '#scripts/servers/temporal.mjs';
import { startTemporal } from '#scripts/supervisor/temporal.ts';
import { openPayloadCodec } from '#wire/payload-codec.ts';
import type { Orchestra } from '../support/orchestra.ts';
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

async function record(orchestra: Orchestra, workflowId: string, name: string): Promise<void> {
  const history = await orchestra.client.workflow.getHandle(workflowId).fetchHistory();
  await decoded(history, openPayloadCodec(testKey));
  writeFileSync(fileURLToPath(new URL(`${name}.json`, import.meta.url)), `${historyToJSON(history)}\n`);
}

async function undisturbed(orchestra: Orchestra, folder: string): Promise<void> {
  const hostId = newId('host');
  const agent = await openAgent(orchestra, { folder: join(folder, hostId), hostId, work: {}, order: noOpOrder(hostId, 0) });
  const ticket = ticketOf(hostId);
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

const parts = { undisturbed, waitedAndCancelled, pausedAndCancelled };
/** All of them, or those that are named on the command line. */
const wanted = Object.entries(parts).filter(([name]) => process.argv.length < 3 || process.argv.includes(name));
const folder = mkdtempSync(join(tmpdir(), 'hf-histories-'));
const server = await startTemporal({ program: await provideTemporal(), folder });
const orchestra = openOrchestra(server.address);
try {
  for (const [, part] of wanted) await part(orchestra, folder);
} finally {
  await orchestra.close();
  await server.child.stop();
  rmSync(folder, { recursive: true, force: true });
}
