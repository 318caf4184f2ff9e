import { expect, test } from 'vitest';
import type { TruncationNote } from '#core/care/care-task.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { truncationNoteShape } from '#core/settings/shape/care.ts';
import { testIds } from '#tests/support/catalog.ts';
import { firstMissing } from './missing-log.ts';

const batches = [100, 200, 300, 400].map((from) => ({ batchId: `batch_${String(from)}`, from }));
const there = (...froms: readonly number[]): ReadonlySet<string> =>
  new Set(froms.map((from) => `batch_${String(from)}`));
const deleted = (from: number, to: number): readonly TruncationNote[] => [
  truncationNoteShape.parse({
    ...{ noteId: testIds('mark'), systemId: '42', branchId: 'a'.repeat(32), seq: 1, runId: testIds('run') },
    ...{ at: '2026-11-21T08:00:00.000000Z', links: [], ranges: [{ from: formatLsn(from), to: formatLsn(to) }] },
  }),
];

test('nothing is read when the target lists every batch, or a plan deleted what it lacks', () => {
  expect(firstMissing(batches, there(100, 200, 300, 400), [])).toBeUndefined();
  expect(firstMissing(batches, there(300, 400), deleted(100, 300))).toBeUndefined();
});

test('what is missing is read from its first position on, a batch that ends behind what was deleted too', () => {
  expect(firstMissing(batches, there(100, 200), [])).toBe(300);
  expect(firstMissing(batches, there(), [])).toBe(100);
  expect(firstMissing(batches, there(300, 400), deleted(100, 250))).toBe(200);
  expect(firstMissing(batches, there(100, 200, 300), deleted(400, 500))).toBe(400);
});
