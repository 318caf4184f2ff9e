import { beforeAll, expect, test } from 'vitest';
import type { KillStage } from '../support/kill-stage.ts';
import { copyDirectory, killAndRestart, killable, lasting, openKillStage, startCopy } from '../support/kill-stage.ts';
import { expectEqualCopy, expectSameSource, expectSucceeded, poolFiles, untilWritten } from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
  return async () => {
    await expectSameSource(stage).finally(() => stage.close());
  };
});

for (const part of killable) {
  test(`K-084 K-089 kill -9 of ${part} in the middle of a restore: the copy is complete and equal, the pool untouched`, async () => {
    const before = poolFiles(stage);
    const directory = copyDirectory(stage, part);
    const limits = lasting(5, stage.storedBytes);
    const run = await startCopy(stage, { setId: stage.firstSet, directory, limits });
    await untilWritten(directory, 0.3 * stage.storedBytes);
    await killAndRestart(stage, part);
    const live = await expectSucceeded(stage, run);
    expect(poolFiles(stage)).toEqual(before);
    await expectEqualCopy(stage, live, directory);
  });
}
