import { beforeAll, expect, test } from 'vitest';
import type { KillStage } from '../support/kill-stage.ts';
import { cumulative, killAndRestart, lasting, openKillStage, startBackup, writeLog } from '../support/kill-stage.ts';
import {
  attemptsOf,
  bytesOf,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  piecesOf,
  untilShareIsPut,
} from '../support/kill-proof.ts';

let stage: KillStage;
/** Bytes of an undisturbed incremental of the same changes in the pool. */
let bytes: number;
beforeAll(async () => {
  stage = await openKillStage(24);
  // Why: its log, written in the middle of a backup, would count as bytes sent again.
  await stage.sql.query('alter system set autovacuum = off');
  await stage.sql.query('select pg_reload_conf()');
  await writeLog(stage, 20);
  const undisturbed = await startBackup(stage, {}, cumulative);
  await expectSucceeded(stage, undisturbed);
  bytes = bytesOf(piecesOf(stage, undisturbed.setId));
  expect(bytes).toBeLessThan(0.8 * stage.storedBytes);
  return () => stage.close();
});

const throttled = () => startBackup(stage, lasting(6, bytes), cumulative);
const untilHalf = (setId: string) => untilShareIsPut(stage, setId, (0.4 * bytes) / stage.storedBytes);

async function expectIncremental(setId: string): Promise<void> {
  const set = await stage.api.get<{ summary: unknown }>(`/backup-sets/${setId}`);
  expect(set.summary).toMatchObject({ type: 'cumulative', base: { setId: stage.firstSet } });
  await expectRestorable(stage, setId);
}

test('K-005 K-084 D-025 kill -9 of the agent in the middle of an incremental: no acknowledged byte is sent again', async () => {
  const run = await throttled();
  await untilHalf(run.setId);
  await stage.stack.kill('agent');
  const atKill = piecesAtKill(stage, run);
  expect(atKill.acknowledged.length).toBeGreaterThan(0);
  expect(isCommitted(stage, run.setId)).toBe(false);
  await stage.stack.start('agent');
  await expectSucceeded(stage, run);
  expectNothingPutAgain(stage, run, [atKill], bytes);
  await expectIncremental(run.setId);
});

for (const part of ['worker', 'api'] as const) {
  test(`K-084 kill -9 of ${part} in the middle of an incremental: the copy goes on in its first attempt`, async () => {
    const run = await throttled();
    await untilHalf(run.setId);
    await killAndRestart(stage, part);
    await expectSucceeded(stage, run);
    expect(attemptsOf(stage, run.setId)).toBe(1);
    expectNothingPutAgain(stage, run, [], bytes);
    await expectIncremental(run.setId);
  });
}
