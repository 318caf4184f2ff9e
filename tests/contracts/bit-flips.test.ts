import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HarmStage } from '../support/harm.ts';
import { openHarmStages, runFlips } from '../support/run-flips.ts';

let stages: readonly HarmStage[];
beforeAll(async () => {
  stages = await openHarmStages();
});
afterAll(async () => {
  for (const stage of stages) await stage.close();
});

/** Others every day; `npm run test:deep` flips 1 000. */
const seed = Math.floor(Date.now() / 86_400_000);

test(`D-002 20 flipped bits (seed ${String(seed)}) are found by verify and by restore, and no wrong byte is written`, async () => {
  const counts = await runFlips(stages, 20, seed);
  expect([...counts.values()].reduce((sum, n) => sum + n, 0)).toBe(20);
});
