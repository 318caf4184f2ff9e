import type { DeletedSegment } from '#core/log/deleted-segment.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { segmentPosition } from '#core/wal/segment-name.ts';
import { readTruncations } from '#agent/care/truncation.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { BranchPlace, CommittedBranch } from './committed-log.ts';

/** What plans deleted from a pool under a name; undefined when they left its place alone, or the pool holds it. */
export type DeletedOf = (name: SegmentName) => DeletedSegment | undefined;

/**
 * By the notes that deletions leave in the pool. They are read only when the archive has a segment that the pool has not and
 * that lies before the end of its log: what comes behind was never there.
 */
export async function deletedOf(
  pool: Pool,
  branch: BranchPlace,
  { known, names }: { readonly known: CommittedBranch; readonly names: readonly SegmentName[] },
): Promise<DeletedOf> {
  const segmentBytes = known.newest?.batch.segmentBytes;
  if (segmentBytes === undefined) return () => undefined;
  const end = known.batches.reduce((most, { to }) => Math.max(most, lsnToNumber(to)), 0);
  const beginOf = (name: SegmentName): number => segmentPosition(name, segmentBytes).number * segmentBytes;
  const lacking = names.filter((name) => !known.segments.has(name) && beginOf(name) < end);
  if (lacking.length === 0) return () => undefined;
  const notes = await readTruncations(pool, branch);
  const hashes = new Map(lacking.map((name) => [name as string, new Set<string>()]));
  for (const { segments = [] } of notes) for (const { name, rawSha256 } of segments) hashes.get(name)?.add(rawSha256);
  const deleted = new Map<SegmentName, DeletedSegment>();
  for (const name of lacking) {
    const [from, to] = [beginOf(name), beginOf(name) + segmentBytes];
    const times = notes
      .filter(({ ranges }) => ranges.some((range) => lsnToNumber(range.from) <= from && to <= lsnToNumber(range.to)))
      .map(({ at }) => at);
    const at = times.sort()[times.length - 1];
    if (at !== undefined) deleted.set(name, { rawSha256: hashes.get(name) ?? new Set(), at });
  }
  return (name) => deleted.get(name);
}
