import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { KillStage, StartedRun } from '../support/kill-stage.ts';
import { copyDirectory, lasting, openKillStage, startBackup, startCopy, untilOver } from '../support/kill-stage.ts';
import {
  expectEqualCopy,
  expectNoSession,
  expectNothingPartial,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  poolFiles,
  setsInPool,
  untilNextAttemptPuts,
  untilShareIsPut,
  untilWritten,
} from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
  return () => stage.close();
});

async function cancel({ id }: StartedRun): Promise<void> {
  await stage.api.post(`/runs/${id}/cancel`);
  expect((await untilOver(stage, id)).run).toMatchObject({ id, state: 'cancelled' });
}

test('K-005 a backup cancelled in the middle leaves no set, no session and no half object; the next one succeeds', async () => {
  const before = setsInPool(stage);
  const run = await startBackup(stage, lasting(10, stage.storedBytes));
  await untilShareIsPut(stage, run.setId, 0.4);
  await cancel(run);
  await expectNoSession(stage);
  expect(isCommitted(stage, run.setId)).toBe(false);
  expect(setsInPool(stage)).toEqual(before);
  await expectNothingPartial(stage);
  expect(temporaryFiles()).toEqual([]);
  const next = await startBackup(stage, {});
  await expectSucceeded(stage, next);
  await expectRestorable(stage, next.setId);
});

/** Names that no listing of a pool shows. */
const temporaryFiles = (): readonly string[] =>
  readdirSync(stage.poolDirectory, { recursive: true, encoding: 'utf8' }).filter((name) => /(^|\/)[.]/.test(name));

test('K-089 a restore cancelled in the middle leaves an empty directory, into which the next one succeeds', async () => {
  const before = poolFiles(stage);
  const directory = copyDirectory(stage, 'cancelled');
  const wish = { setId: stage.firstSet, directory };
  const run = await startCopy(stage, { ...wish, limits: lasting(10, stage.storedBytes) });
  await untilWritten(directory, 0.3 * stage.storedBytes);
  await cancel(run);
  expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
  expect(poolFiles(stage)).toEqual(before);
  const live = await expectSucceeded(stage, await startCopy(stage, wish));
  await expectEqualCopy(stage, live, directory);
});

test('K-084 a backup that is cancelled while its agent is dead ends cancelled when the agent is back, without a set', async () => {
  const before = setsInPool(stage);
  const run = await startBackup(stage, lasting(10, stage.storedBytes));
  await untilShareIsPut(stage, run.setId, 0.4);
  await stage.stack.kill('agent');
  await stage.api.post(`/runs/${run.id}/cancel`);
  await stage.stack.start('agent');
  expect((await untilOver(stage, run.id)).run).toMatchObject({ id: run.id, state: 'cancelled' });
  await expectNoSession(stage);
  expect(setsInPool(stage)).toEqual(before);
  await expectNothingPartial(stage);
});

test('K-005 K-084 an agent that is killed twice in one backup sends no acknowledged byte again', async () => {
  const run = await startBackup(stage, lasting(8, stage.storedBytes));
  await untilShareIsPut(stage, run.setId, 0.25);
  await stage.stack.kill('agent');
  const first = piecesAtKill(stage, run);
  await stage.stack.start('agent');
  await untilNextAttemptPuts(stage, run);
  await stage.stack.kill('agent');
  const second = piecesAtKill(stage, run);
  expect(isCommitted(stage, run.setId)).toBe(false);
  expect(second.acknowledged.length).toBeGreaterThan(first.acknowledged.length);
  await stage.stack.start('agent');
  await expectSucceeded(stage, run);
  expectNothingPutAgain(stage, run, [first, second]);
  await expectRestorable(stage, run.setId);
});

test('K-084 K-089 an agent that is killed twice in one restore completes the same directory', async () => {
  const directory = copyDirectory(stage, 'twice');
  const run = await startCopy(stage, { setId: stage.firstSet, directory, limits: lasting(8, stage.storedBytes) });
  for (const share of [0.3, 0.6]) {
    await untilWritten(directory, share * stage.storedBytes);
    await stage.stack.kill('agent');
    expect(existsSync(join(directory, 'global', 'pg_control'))).toBe(false);
    await stage.stack.start('agent');
  }
  await expectEqualCopy(stage, await expectSucceeded(stage, run), directory);
});
