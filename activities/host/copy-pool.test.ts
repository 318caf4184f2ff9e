import { expect, test } from 'vitest';
import type { PoolCopyReport } from '#core/care/pool-copy.ts';
import { fail } from '#core/errors/fail.ts';
import type { CommittedInPool } from '#core/ports/host-work.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBatch } from '#tests/support/samples.ts';
import { tellingOfEach } from './copy-pool.ts';

const counts = { sets: 0, setsThere: 0, batches: 2, batchesThere: 0, objects: 4, bytes: 9, objectsReused: 0 };
const report: PoolCopyReport = { ...counts, leftOut: [], warnings: [] };

function openCopy() {
  const seen = { hasClosed: false };
  async function* copying(): AsyncGenerator<CommittedInPool, PoolCopyReport> {
    try {
      for (let i = 0; i < 2; i++) yield await Promise.resolve({ kind: 'batch', batch: sampleBatch(testIds('res')) });
      return report;
    } finally {
      seen.hasClosed = true;
    }
  }
  return { seen, copying: copying() };
}

test('K-005 a copy of which the catalog refuses to hear closes its pools, and the refusal is what is told', async () => {
  const { seen, copying } = openCopy();
  const refusal = fail('set_unknown', { set: 'x' });
  await expect(tellingOfEach(copying, () => Promise.reject(refusal))).rejects.toBe(refusal);
  expect(seen.hasClosed).toBe(true);
});

test('K-005 a copy that is heard of ends with its report', async () => {
  const { seen, copying } = openCopy();
  const told: CommittedInPool[] = [];
  const hear = (made: CommittedInPool): Promise<void> => Promise.resolve(void told.push(made));
  expect(await tellingOfEach(copying, hear)).toEqual(report);
  expect({ told: told.length, ...seen }).toEqual({ told: 2, hasClosed: true });
});
