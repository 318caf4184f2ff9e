import { renameSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { closeSource, expectGivenBack, startInPlace, untilReplacing } from '../support/in-place-stage.ts';
import type { KillStage } from '../support/kill-stage.ts';
import { lasting, openKillStage, untilOver } from '../support/kill-stage.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage();
  return () => stage.close();
});

test('K-084 a restore in place whose pool stays away longer than the reconnect time gives the old directory back', async () => {
  const before = await closeSource(stage);
  const run = await startInPlace(stage, { limits: lasting(20, stage.storedBytes), reconnectMinutes: 1 });
  await untilReplacing(stage, run);
  renameSync(stage.poolDirectory, `${stage.poolDirectory}.away`);
  try {
    const { run: ended } = await untilOver(stage, run.id);
    expect(ended).toMatchObject({ state: 'failed', outcome: { code: 'pool_lost' } });
    await expectGivenBack(stage, run, before);
  } finally {
    renameSync(`${stage.poolDirectory}.away`, stage.poolDirectory);
  }
});
