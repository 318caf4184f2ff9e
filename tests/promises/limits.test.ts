import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import { errorOfFailure } from '#wire/failure.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { LiveAgent } from '../support/live-agent.ts';
import { fillWithNoise, openLiveAgent, sessionsAt } from '../support/live-agent.ts';
import type { Orchestra } from '../support/orchestra.ts';
import { eventually, newId, openOrchestra } from '../support/orchestra.ts';
import type { Postgres } from '../support/postgres.ts';
import { openPostgres } from '../support/postgres.ts';
import { temporalAddress } from '../support/temporal.ts';

let orchestra: Orchestra;
let postgres: Postgres;
let folder: Folder;
let live: LiveAgent;
beforeAll(async () => {
  orchestra = openOrchestra(await temporalAddress());
  folder = openFolder('hf-limits-');
  postgres = await openPostgres({ archive: true });
  await fillWithNoise(postgres, 16);
  const place = { kind: 'local', directory: join(folder.path, 'pool') } as const;
  const pool: PoolAccess = { poolId: newId('pool'), name: 'pool', place, secrets: {} };
  live = await openLiveAgent({ orchestra, postgres, folder: folder.path, pool });
});
afterAll(async () => {
  await live.close();
  await postgres.close();
  await orchestra.close();
  folder.remove();
});

const mebi = 1_048_576;

/** Every piece of a set in the pool: attempt and bytes. */
function piecesOf({ setId }: RunTicket): readonly { readonly attempt: string; readonly bytes: number }[] {
  const root = join(folder.path, 'pool', 'sets', setId ?? 'none');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const attempt = /^(try_\w+)\/piece-\d+\.bak$/.exec(name)?.[1];
    return attempt === undefined ? [] : [{ attempt, bytes: statSync(join(root, name)).size }];
  });
}
const bytesOf = (ticket: RunTicket): number => piecesOf(ticket).reduce((sum, { bytes }) => sum + bytes, 0);
const begun = (ticket: RunTicket): Promise<void> =>
  eventually(() => live.agent.began(ticket.runId) && bytesOf(ticket) > 2 * mebi);
const statesOf = (runId: RunId): string[] =>
  orchestra.book.events.filter((event) => event.startsWith(runId)).map((event) => event.slice(runId.length + 1));

/** Bytes in the pool once no object is under way any more: two looks that far apart see the same. */
async function settledBytes(ticket: RunTicket): Promise<number> {
  let last = -1;
  let equal = 0;
  await eventually(() => {
    const now = bytesOf(ticket);
    equal = now === last ? equal + 1 : 0;
    last = now;
    return equal >= 10;
  });
  return last;
}

test('K-005 a paused backup sends nothing more and keeps its SQL session; resumed, it ends in the same attempt', async () => {
  const ticket = await live.backup({});
  const handle = await orchestra.start(ticket);
  await begun(ticket);
  const sessions = await sessionsAt(postgres);
  await handle.executeUpdate('pause');
  expect(await handle.query('status')).toMatchObject({ phase: 'working', isPaused: true });
  const held = await settledBytes(ticket);
  expect(held).toBeLessThan(14 * mebi);
  expect(await sessionsAt(postgres)).toEqual(sessions);
  await handle.executeUpdate('resume');
  expect(await handle.result()).toMatchObject({ state: 'succeeded' });
  expect(statesOf(ticket.runId)).toEqual(['running', 'paused', 'running', ticket.setId, 'succeeded']);
  expect(new Set(piecesOf(ticket).map(({ attempt }) => attempt)).size).toBe(1);
  expect((await handle.fetchHistory()).events?.length).toBeLessThan(90);
});

test('K-005 a paused backup stays paused when its agent is restarted, holds no session then, and resumes without sending acknowledged bytes again', async () => {
  const ticket = await live.backup({});
  const handle = await orchestra.start(ticket);
  await begun(ticket);
  await handle.executeUpdate('pause');
  const held = await settledBytes(ticket);
  await live.restart();
  await eventually(async () => (await sessionsAt(postgres)).length === 0);
  const before = piecesOf(ticket);
  expect(await settledBytes(ticket)).toBe(held);
  await handle.executeUpdate('resume');
  expect(await handle.result()).toMatchObject({ state: 'succeeded' });
  const after = piecesOf(ticket);
  expect(after).toEqual(expect.arrayContaining([...before]));
  expect(new Set(after.map(({ attempt }) => attempt)).size).toBe(2);
  expect(bytesOf(ticket)).toBeLessThan(40 * mebi);
});

test('K-005 a paused backup can be cancelled, and then no session is left', async () => {
  const ticket = await live.backup({});
  const handle = await orchestra.start(ticket);
  await begun(ticket);
  await handle.executeUpdate('pause');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  expect(orchestra.book.outcome(ticket.runId)?.state).toBe('cancelled');
  await eventually(async () => (await sessionsAt(postgres)).length === 0);
});

test('K-085 K-086 a limit of 1 KiB/s holds a backup back, and lifting it lets the rest pass; the other limit stays', async () => {
  const ticket = await live.backup({ limits: { transferBytesPerSecond: 1024, diskBytesPerSecond: 64 * mebi } });
  const handle = await orchestra.start(ticket);
  await eventually(() => live.agent.began(ticket.runId));
  await eventually(async () => (await sessionsAt(postgres)).length === 1);
  expect(bytesOf(ticket)).toBe(0);
  await handle.executeUpdate('throttle', { args: [{ transferBytesPerSecond: 0 }] });
  expect(live.agent.limits(ticket.runId)).toEqual({ diskBytesPerSecond: 64 * mebi });
  expect(await handle.result()).toMatchObject({ state: 'succeeded' });
});

test('K-110 no object of a set is larger than the resume buffer', async () => {
  const ticket = await live.backup({ limits: {}, resumeBufferBytes: 2 * mebi });
  await (await orchestra.start(ticket)).result();
  const sizes = piecesOf(ticket).map(({ bytes }) => bytes);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * mebi);
  expect(sizes.length).toBeGreaterThan(8);
  const usual = await live.backup({ limits: {} });
  await (await orchestra.start(usual)).result();
  const largest = Math.max(...piecesOf(usual).map(({ bytes }) => bytes));
  expect(largest).toBeLessThanOrEqual(10 * mebi);
  expect(largest).toBeGreaterThan(8 * mebi);
});

test('a run that has not begun its work cannot be paused, and says so', async () => {
  const holder = await live.backup({ limits: { transferBytesPerSecond: 1024 } });
  const held = await orchestra.start(holder);
  await eventually(() => live.agent.began(holder.runId));
  const waiting = await live.backup({}, { whenBusy: 'wait' });
  const handle = await orchestra.start(waiting);
  await eventually(async () => (await handle.query<{ detail: string }>('status')).detail.startsWith('number'));
  const refused: unknown = await handle.executeUpdate('pause').catch((error: unknown) => error);
  expect(errorOfFailure(refused instanceof Error ? refused.cause : refused, 'pause')).toMatchObject({
    code: 'run_not_at_work',
    params: { run: waiting.runId, phase: 'waiting-for-lane' },
  });
  for (const each of [handle, held]) {
    await each.cancel();
    await expect(each.result()).rejects.toThrow();
  }
});
