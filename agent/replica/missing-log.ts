import type { TruncationNote } from '#core/care/care-task.ts';
import { branchPrefix } from '#core/format/object-key.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { BranchPlace } from '../wal/committed-log.ts';

/** A batch as its key tells of it: nothing is read. */
export interface ListedBatch {
  readonly batchId: string;
  /** Position at which its log begins. */
  readonly from: number;
}

const shape = /\/batches\/([0-9A-F]{16})-(batch_[0-9a-f]{32})$/;

/** Batches of a branch in order of LSN. */
export async function listBatches(pool: Pool, { systemId, branchId }: BranchPlace): Promise<readonly ListedBatch[]> {
  const found: ListedBatch[] = [];
  for await (const { key } of pool.store.list(`${branchPrefix(systemId, branchId)}batches/`)) {
    const [, from, batchId] = shape.exec(key) ?? [];
    if (from !== undefined && batchId !== undefined) found.push({ batchId, from: parseInt(from, 16) });
  }
  return found.sort((a, b) => a.from - b.from);
}

/**
 * Where the log begins that the target may lack: what both list, and what plans deleted from the target, need not be read
 * for it. Undefined when nothing may be missing.
 */
export function firstMissing(
  source: readonly ListedBatch[],
  there: ReadonlySet<string>,
  notes: readonly TruncationNote[],
): number | undefined {
  const gone = notes.flatMap(({ ranges }) =>
    ranges.map(({ from, to }) => ({ from: lsnToNumber(from), to: lsnToNumber(to) })),
  );
  for (const [at, { batchId, from }] of source.entries()) {
    // A batch ends where the next one begins, or before.
    const end = source[at + 1]?.from ?? Infinity;
    const wasDeleted = gone.some((range) => range.from <= from && end <= range.to);
    if (!there.has(batchId) && !wasDeleted) return from;
  }
  return undefined;
}
