import { expect, test } from 'vitest';
import { batchSummaryShape } from '../settings/shape/committed.ts';
import { branchesOf } from './branches.ts';

const segment = {
  ...{ name: '000000010000000000000003', object: '000000010000000000000003.0123456789abcdef' },
  ...{ from: '0/3000000', to: '0/3000185', lastRecord: '0/3000100', rawBytes: 16_777_216, storedBytes: 1 },
  ...{ rawSha256: 'a'.repeat(64), storedSha256: 'b'.repeat(64), restorePoints: [] },
};
const batch = (n: number, change: object) =>
  batchSummaryShape.parse({
    ...{
      batchId: `batch_${String(n).padStart(32, '0')}`,
      runId: `run_${'0'.repeat(32)}`,
      resourceId: `res_${'0'.repeat(32)}`,
    },
    ...{
      systemId: '7432109876543210987',
      timeline: 1,
      branchId: 'e'.repeat(32),
      history: '',
      segmentBytes: 16_777_216,
    },
    ...{ from: '0/3000000', to: '0/3000185', segments: [segment], previousSha256: '', isAfterGap: false },
    coveredUntil: '2026-11-21T08:00:00.000000Z',
    ...change,
  });

test('K-049 an idle database is covered on behind a segment that is not full', () => {
  const later = '2026-11-21T08:05:00.000000Z';
  const idle = batch(2, { from: '0/3000185', segments: [], coveredUntil: later });
  const [branch] = branchesOf({ sets: [], batches: [batch(1, {}), idle] }).values();
  expect([...(branch?.segments.values() ?? [])]).toMatchObject([{ to: 0x3000185, coveredUntil: later }]);
});
