import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { BranchPlace } from './committed-log.ts';
import { demandCorrupt } from './committed-log.ts';

/** A file of log that was read. */
export interface FileOfLog {
  readonly reading: Pick<SegmentReading, 'from' | 'to'>;
  readonly bytes: Uint8Array;
}

/**
 * Whether the pool holds other log under the name of a file, as far as both go: a longer one need not continue a tail that was saved
 * before. An object that is lost or damaged says nothing.
 */
export async function isOtherLog(
  pool: Pool,
  { systemId, branchId }: BranchPlace,
  committed: SegmentOfBatch,
  { reading, bytes }: FileOfLog,
): Promise<boolean> {
  if (bytes.length === committed.rawBytes && sha256Hex(bytes) === committed.rawSha256) return false;
  const object = keyOfLog({ systemId, branchId, name: committed.object });
  const held = await getLogSegment(pool, object, committed.rawSha256).catch(
    (error: unknown) => void demandCorrupt(error),
  );
  if (held === undefined) return false;
  const length = Math.min(lsnToNumber(reading.to), lsnToNumber(committed.to)) - lsnToNumber(reading.from);
  return Buffer.compare(bytes.subarray(0, length), held.subarray(0, length)) !== 0;
}

/**
 * Whether the first record of a file names another one before it than the segment that the reader was shown: that log is of another time, or of
 * another server. Not so for a wrong sum, which is damage.
 */
export const isNoContinuation = ({ records, stop }: SegmentReading): boolean =>
  records === 0 && (stop?.reason === 'prev' || stop?.reason === 'continuation');
