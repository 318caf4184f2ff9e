import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { CutStage } from '../support/cut-stage.ts';
import { openCutStage, sessionsOf, startCutBackup, untilProgress } from '../support/cut-stage.ts';

const mebi = 1_048_576;
let stage: CutStage;
beforeAll(async () => {
  stage = await openCutStage();
  return () => stage.close();
});

/** Longer than every deadline on the way: requests to the pool and heartbeats are given up after a minute. */
const silenceMs = 150_000;

test('K-084 a network that is silent for minutes costs neither the SQL session nor an acknowledged byte', async () => {
  const run = await startCutBackup(stage, {
    limits: { transferBytesPerSecond: 2 * mebi },
    reconnectMinutes: 10,
  });
  await untilProgress(stage, run.id, ({ bytesWritten }) => bytesWritten > 4 * mebi);
  const sessions = await sessionsOf(stage);
  const acknowledged = await stage.objects(`sets/${run.setId}/try`);
  for (const line of Object.values(stage.lines)) await line.cut('silent');
  await pause(silenceMs);
  expect(await sessionsOf(stage)).toEqual(sessions);
  for (const line of Object.values(stage.lines)) await line.mend();
  await untilProgress(stage, run.id, ({ bytesWritten }) => bytesWritten > 12 * mebi);
  expect(await sessionsOf(stage)).toEqual(sessions);
  await stage.api.untilDone(run.id, 180_000);
  const pieces = await stage.objects(`sets/${run.setId}/try`);
  expect(pieces).toEqual(expect.arrayContaining([...acknowledged]));
  expect(new Set(pieces.map(({ key }) => key.split('/')[2])).size).toBe(1);
}, 600_000);
