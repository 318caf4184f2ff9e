import { expect, test } from 'vitest';
import { runCareModel } from '../support/run-care-model.ts';

const hour = 3_600_000;

test(
  '10 000 random operations in four lives leave in pool and catalog exactly what a reference model says',
  async () => {
    for (const seed of [11, 23, 42, 2026]) {
      const counts = await runCareModel(2500, seed);
      process.stderr.write(`${JSON.stringify({ seed, ...counts })}\n`);
      expect(counts['retention']).toBeGreaterThan(100);
    }
  },
  hour,
);
