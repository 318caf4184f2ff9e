import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { segmentPosition } from '#core/wal/segment-name.ts';
import { codeOf } from '#agent/file-system.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { readBranch } from '#agent/wal/committed-log.ts';

interface LogPlaces {
  /** Name of the log directory in a set, e.g. `pg_wal`. */
  readonly member: string;
  /** Where the instance may still have the segment, its own directory first: an archive outlives what was put back. */
  readonly directories: readonly string[];
}

/** Larger segments are not read for this. */
const largestBytes = 64 * 1_048_576;

/** The log that an instance has up to the end of a set that may become a base. */
export interface LogNow extends LogRange {
  /** Undefined when the instance no longer has it, or it is not read. */
  readonly bytes: Buffer | undefined;
}

type LogRange = Pick<SetSummary, 'endSegment' | 'endLsn' | 'segmentBytes'>;

/** Reads it. To be called before backup mode begins: its checkpoint may remove the segment. */
export function readLogNow({ endSegment, endLsn, segmentBytes }: LogRange, { directories }: LogPlaces): LogNow {
  const range = { endSegment, endLsn, segmentBytes };
  const length = bytesBeforeEnd(range);
  if (segmentBytes > largestBytes || length <= 0) return { ...range, bytes: undefined };
  for (const directory of directories) {
    const bytes = readStart(join(directory, endSegment), length);
    if (bytes !== undefined) return { ...range, bytes };
  }
  return { ...range, bytes: undefined };
}

/**
 * Why the instance is not the one that a base was taken of, though it has its system id and timeline and has written past
 * its end: a storage snapshot was put back meanwhile, so the log around that end is another one. Undefined when it is the
 * same, and when nobody can tell because the instance no longer has that log.
 */
export async function otherLog(
  pool: Pool,
  base: OpenSet,
  { held, places }: { readonly held: LogNow; readonly places: LogPlaces },
): Promise<string | undefined> {
  const { summary } = base.meta;
  const { endSegment, endLsn } = summary;
  const isOfBase = held.endSegment === endSegment && held.endLsn === endLsn;
  const { bytes: now } = isOfBase ? held : readLogNow(summary, places);
  if (now === undefined) return undefined;
  const then = summary.isConsistent
    ? await base.readMember(`${places.member}/${endSegment}`, now.length)
    : await logInPool(pool, summary, now.length);
  if (then === undefined)
    return `it was made without its log (D-021), and the pool does not hold ${endSegment} up to its end: nobody can tell whether the instance is still the same`;
  return Buffer.compare(now, then) === 0
    ? undefined
    : `the log that the instance has now up to ${endLsn}, where it ends, is another one: the instance was put back to an earlier state since`;
}

/** Of a base that holds no log the log backup knows it; undefined when the pool has not so much of the segment. */
async function logInPool(
  pool: Pool,
  { systemId, branchId, endSegment, segmentBytes }: SetSummary,
  length: number,
): Promise<Uint8Array | undefined> {
  const from = segmentPosition(endSegment, segmentBytes).number * segmentBytes;
  const segment = (await readBranch(pool, { systemId, branchId }, from)).segments.get(endSegment);
  if (segment === undefined) return undefined;
  const object = keyOfLog({ systemId, branchId, name: segment.object });
  const bytes = await getLogSegment(pool, object, segment.rawSha256);
  return bytes.length < length ? undefined : bytes.subarray(0, length);
}

const bytesBeforeEnd = ({ endLsn, endSegment, segmentBytes }: LogRange): number =>
  lsnToNumber(endLsn) - segmentPosition(endSegment, segmentBytes).number * segmentBytes;

/** The first bytes of a file; undefined when there are not so many, or nobody can read them. */
function readStart(path: string, length: number): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(length);
    return readSync(file, bytes, 0, length, 0) === length ? bytes : undefined;
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
