import { beforeAll, expect, test } from 'vitest';
import type { KillStage } from '../support/kill-stage.ts';
import { killAndRestart, lasting, openKillStage, startBackup } from '../support/kill-stage.ts';
import {
  attemptsOf,
  expectNothingPartial,
  expectNothingPutAgain,
  expectRestorable,
  expectSameSource,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  untilShareIsPut,
} from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
  return async () => {
    await expectSameSource(stage).finally(() => stage.close());
  };
});

const throttled = () => startBackup(stage, lasting(6, stage.storedBytes));

test('K-005 K-084 kill -9 of the agent in the middle of a backup: the next agent sends no acknowledged byte again', async () => {
  const run = await throttled();
  await untilShareIsPut(stage, run.setId, 0.4);
  await stage.stack.kill('agent');
  const atKill = piecesAtKill(stage, run);
  expect(atKill.acknowledged.length).toBeGreaterThan(0);
  await expectNothingPartial(stage);
  await stage.stack.start('agent');
  await expectSucceeded(stage, run);
  expectNothingPutAgain(stage, run, [atKill]);
  await expectRestorable(stage, run.setId);
});

for (const part of ['worker', 'api', 'temporal', 'catalog'] as const) {
  test(`K-084 kill -9 of ${part} in the middle of a backup: the copy goes on in its first attempt and the run succeeds`, async () => {
    const run = await throttled();
    await untilShareIsPut(stage, run.setId, 0.4);
    expect(isCommitted(stage, run.setId)).toBe(false);
    await killAndRestart(stage, part);
    await expectSucceeded(stage, run);
    expect(attemptsOf(stage, run.setId)).toBe(1);
    expectNothingPutAgain(stage, run, []);
    await expectRestorable(stage, run.setId);
  });
}
