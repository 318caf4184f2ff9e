import { expect, test } from 'vitest';
import { runCareModel } from '../support/run-care-model.ts';

test('500 random operations leave in pool and catalog exactly what a reference model says', async () => {
  const counts = await runCareModel(500, 7);
  for (const what of ['retention', 'kills', 'deleted sets', 'deleted batches', 'spared', 'collect', 'read'])
    expect(counts[what], what).toBeGreaterThan(0);
  expect(counts['deleted sets']).toBeGreaterThan(30);
});
