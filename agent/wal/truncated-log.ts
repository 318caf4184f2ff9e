import type { Lsn } from '#core/wal/lsn.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { segmentPosition } from '#core/wal/segment-name.ts';
import { readTruncations } from '#agent/care/truncation.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { BranchPlace, CommittedBranch } from './committed-log.ts';

/** Whether plans deleted all of a segment from a pool: who finds it in an archive need not send it again. */
export type WasDeleted = (name: SegmentName) => boolean;

/** By the notes that deletions leave in the pool; they are read only when the archive has a segment that the pool has not. */
export async function deletedOf(
  pool: Pool,
  branch: BranchPlace,
  { known, names }: { readonly known: CommittedBranch; readonly names: readonly SegmentName[] },
): Promise<WasDeleted> {
  const segmentBytes = known.newest?.batch.segmentBytes;
  if (segmentBytes === undefined || names.every((name) => known.segments.has(name))) return () => false;
  const ranges = (await readTruncations(pool, branch)).flatMap((note) => note.ranges).map(numbers);
  return (name) => {
    if (known.segments.has(name)) return false;
    const from = segmentPosition(name, segmentBytes).number * segmentBytes;
    return ranges.some((range) => range.from <= from && from + segmentBytes <= range.to);
  };
}

const numbers = ({ from, to }: { readonly from: Lsn; readonly to: Lsn }) => ({
  from: lsnToNumber(from),
  to: lsnToNumber(to),
});
