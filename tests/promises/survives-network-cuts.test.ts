import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { proveTables } from '#scripts/demo/workload.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { CutStage } from '../support/cut-stage.ts';
import {
  copyPlace,
  openCutStage,
  sessionsOf,
  startCutBackup,
  startLogicalRestore,
  takeLogicalSet,
  untilProgress,
} from '../support/cut-stage.ts';
import { dropCopy } from '../support/kill-stage.ts';
import { connectTo, engineTitle } from '../support/platform-instance.ts';

let stage: CutStage;
beforeAll(async () => {
  stage = await openCutStage();
  return () => stage.close();
});

const mebi = 1_048_576;
/** Slow enough that the work still goes on when Temporal, which is asked again every few seconds, tells of it again. */
const limits = { transferBytesPerSecond: 2 * mebi };
/** Longer than the quick retries of a pool: what comes after is the patience of the reconnect time. */
const outageMs = 9000;
const timeoutMs = 90_000;

async function outage(): Promise<void> {
  const { pool, api, temporal } = stage.lines;
  for (const line of [pool, api, temporal]) await line.cut('refused');
  await pause(outageMs);
}

async function mend(): Promise<void> {
  for (const line of Object.values(stage.lines)) await line.mend();
}

test(`K-005 K-084 while pool, API and Temporal are cut off a backup keeps its SQL session, then goes on where it was; nothing is sent twice: ${engineTitle}`, async () => {
  const before = stage.lines.pool.sentBytes();
  const run = await startCutBackup(stage, { limits });
  await untilProgress(stage, run.id, ({ bytesWritten }) => bytesWritten > 6 * mebi);
  const sessions = await sessionsOf(stage);
  expect(sessions).toHaveLength(1);
  const acknowledged = await stage.objects(`sets/${run.setId}/try`);
  await outage();
  expect(await sessionsOf(stage)).toEqual(sessions);
  await mend();
  const after = await untilProgress(stage, run.id, ({ bytesWritten }) => bytesWritten > 14 * mebi);
  expect(after.attempt).toBe(1);
  expect(await sessionsOf(stage)).toEqual(sessions);
  expect(await stage.api.untilDone(run.id, timeoutMs)).toMatchObject({ run: { state: 'succeeded' } });

  const pieces = await stage.objects(`sets/${run.setId}/try`);
  expect(pieces).toEqual(expect.arrayContaining([...acknowledged]));
  expect(new Set(pieces.map(({ key }) => key.split('/')[2])).size).toBe(1);
  const { summary } = await stage.api.get<{ summary: { pieceCount: number; storedBytes: number } }>(
    `/backup-sets/${run.setId}`,
  );
  expect(pieces).toHaveLength(summary.pieceCount);
  // Each of the two channels may have had one object under way at the cut; requests and metadata take the rest.
  const largest = Math.max(...pieces.map(({ sizeBytes }) => sizeBytes));
  const sent = stage.lines.pool.sentBytes() - before;
  expect(sent).toBeLessThan(summary.storedBytes * 1.03 + 2 * largest + 2 * mebi);
  await expect.poll(() => sessionsOf(stage)).toEqual([]);
});

const openedShape = z.looseObject({ socket: z.string(), port: z.number() });

test(`K-084 K-089 a restore rides over the same cut in its first attempt, and the copy is complete: ${engineTitle}`, async () => {
  const directory = copyPlace(stage, 'over-the-cut');
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 });
  giveToUnprivileged(dirname(directory));
  const body = { resource: 'source', target: { at: 'immediate' }, place: { kind: 'copy', directory } };
  const options = { channels: 2, limits, resumeBufferBytes: 2 * mebi };
  const { id } = await stage.api.post<{ id: string }>('/restores', { ...body, options, reconnectMinutes: 2 });
  await untilProgress(stage, id, ({ bytesWritten, phase }) => phase === 'write' && bytesWritten > 6 * mebi);
  await outage();
  await mend();
  const after = await untilProgress(stage, id, ({ bytesWritten }) => bytesWritten > 10 * mebi);
  expect(after.attempt).toBe(1);
  const { run } = await stage.api.untilDone(id, timeoutMs);
  const { socket: socketDirectory, port } = openedShape.parse(run.outcome?.result);
  const client = await connectTo({ ...stage.source, socketDirectory, port });
  try {
    expect(await proveTables(client)).toEqual(stage.content);
  } finally {
    await client.end();
    await dropCopy(directory);
  }
});

test(`K-084 K-101 a logical restore rides over the same cut: it reads nothing again, and the table is whole: ${engineTitle}`, async () => {
  const set = await takeLogicalSet(stage);
  const stored = (await stage.objects(`logical/${set}`)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const before = stage.lines.pool.receivedBytes();
  const id = await startLogicalRestore(stage, { set, as: 'photo_over_the_cut', limits, reconnectMinutes: 2 });
  await untilProgress(stage, id, ({ bytesWritten }) => bytesWritten > 6 * mebi);
  await outage();
  await mend();
  const after = await untilProgress(stage, id, ({ bytesWritten }) => bytesWritten > 10 * mebi);
  expect(after.attempt).toBe(1);
  await stage.api.untilDone(id, timeoutMs);
  expect(stored).toBeGreaterThan(20 * mebi);
  expect(stage.lines.pool.receivedBytes() - before).toBeLessThan(stored * 1.05 + 2 * mebi);
  const differing = `select 1 from photo full join photo_over_the_cut as other using (id, body)
    where photo.id is null or other.id is null`;
  expect((await stage.sql.query(differing)).rowCount).toBe(0);
  await stage.sql.query('drop table photo_over_the_cut');
});
