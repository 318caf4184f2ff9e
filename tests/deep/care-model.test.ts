import { expect, test } from 'vitest';
import { circumstances, writeEvidence } from '../support/evidence.ts';
import { runCareModel } from '../support/run-care-model.ts';

const hour = 3_600_000;

test(
  '10 000 random operations in four lives leave in pool and catalog exactly what a reference model says',
  async () => {
    const lives = [];
    for (const seed of [11, 23, 42, 2026]) {
      const counts = await runCareModel(2500, seed);
      lives.push({ seed, operations: 2500, differences: 0, ...counts });
      expect(counts['retention']).toBeGreaterThan(100);
    }
    const command = 'npx vitest run --project deep tests/deep/care-model.test.ts';
    writeEvidence('care-model', { ...circumstances(command), operations: 10_000, differences: 0, lives });
  },
  hour,
);
