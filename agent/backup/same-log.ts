import { join } from 'node:path';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { segmentPosition } from '#core/wal/segment-name.ts';
import type { DoubtOfBase } from '#agent/changed/request.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { demandCorrupt, readBranch } from '#agent/wal/committed-log.ts';
import { hashOfStart } from '#agent/wal/hash-of-start.ts';

interface LogPlaces {
  /** Name of the log directory in a set, e.g. `pg_wal`. */
  readonly member: string;
  /** Where the instance may still have the segment, its own directory first: an archive outlives what was put back. */
  readonly directories: readonly string[];
}

/** The log that an instance has up to the end of a set that may become a base. */
export interface LogNow extends LogRange {
  /** Of the segment up to that end; undefined when the instance no longer has it. */
  readonly sha256: string | undefined;
}

type LogRange = Pick<SetSummary, 'endSegment' | 'endLsn' | 'segmentBytes'>;

/** Reads it. To be called before backup mode begins: its checkpoint may remove the segment. */
export function readLogNow({ endSegment, endLsn, segmentBytes }: LogRange, { directories }: LogPlaces): LogNow {
  const range = { endSegment, endLsn, segmentBytes };
  const length = bytesBeforeEnd(range);
  // Nothing can be told by no bytes.
  for (const directory of length > 0 ? directories : []) {
    const sha256 = hashOfStart(join(directory, endSegment), length);
    if (sha256 !== undefined) return { ...range, sha256 };
  }
  return { ...range, sha256: undefined };
}

/** Whether a set is of the present life of an instance. */
export interface Kinship {
  /** Why it is not, in words. */
  readonly other?: string;
  /** Why nothing about the set proves that it is. */
  readonly doubt?: DoubtOfBase;
}

/**
 * Why the instance is not the one that a base was taken of, though it has its system id and timeline and has written past
 * its end: a storage snapshot was put back meanwhile, so the log around that end is another one. When the instance no longer
 * has that log, the pool's speaks for it: it is what the instance went on to write, unless the base is of a time that was given up.
 */
export async function kinshipOf(
  pool: Pool,
  base: OpenSet,
  { held, places }: { readonly held: LogNow; readonly places: LogPlaces },
): Promise<Kinship> {
  const { summary } = base.meta;
  const { endSegment, endLsn, isConsistent } = summary;
  const isOfBase = held.endSegment === endSegment && held.endLsn === endLsn;
  const { sha256: now } = isOfBase ? held : readLogNow(summary, places);
  const own = isConsistent ? sha256Hex(await ownLogOf(base, places)) : undefined;
  if (now !== undefined && own !== undefined) return now === own ? {} : { other: isPutBack('the instance', endLsn) };
  const inPool = await logInPool(pool, summary);
  if (now !== undefined) return judgeWithoutOwn(now, inPool, summary);
  const gone = `the instance no longer has ${endSegment}, where ${summary.setId} ends`;
  if (own === undefined || inPool === undefined) {
    const why = own === undefined ? 'the base was made without its log (D-021)' : `pool ${pool.name} does not hold it`;
    return {
      doubt: { why: `${gone}, and ${why}: nothing proves that the instance was not put back since`, isByLog: false },
    };
  }
  if (inPool !== own) return { other: isPutBack(`pool ${pool.name}`, endLsn) };
  return {
    doubt: {
      why: `${gone}: only the log from there on proves that the instance was not put back since`,
      isByLog: true,
    },
  };
}

const isPutBack = (holder: string, endLsn: Lsn): string =>
  `the log that ${holder} has now up to ${endLsn}, where it ends, is another one: the instance was put back to an earlier state since`;

/** Of a base that holds no log the log backup may know it, or that of another life in its place. */
function judgeWithoutOwn(now: string, inPool: string | undefined, { endSegment, endLsn }: SetSummary): Kinship {
  if (inPool === undefined)
    return {
      other: `it was made without its log (D-021), and the pool does not hold ${endSegment} up to its end: nobody can tell whether the instance is still the same`,
    };
  if (now !== inPool) return { other: isPutBack('the instance', endLsn) };
  const why =
    'the base was made without its log (D-021): nothing proves that the instance was not put back before the pool took the log of that place';
  return { doubt: { why, isByLog: false } };
}

const ownLogOf = (base: OpenSet, { member }: LogPlaces): Promise<Uint8Array> =>
  base.readMember(`${member}/${base.meta.summary.endSegment}`, Math.max(0, bytesBeforeEnd(base.meta.summary)));

/** Hash of what the pool's log has of the segment up to the end of a set; undefined when it has not so much of it. */
async function logInPool(pool: Pool, summary: SetSummary): Promise<string | undefined> {
  const { systemId, branchId, endSegment, segmentBytes } = summary;
  const length = bytesBeforeEnd(summary);
  const from = segmentPosition(endSegment, segmentBytes).number * segmentBytes;
  const segment = (await readBranch(pool, { systemId, branchId }, from)).segments.get(endSegment);
  if (segment === undefined || length <= 0 || lsnToNumber(segment.to) - from < length) return undefined;
  const object = keyOfLog({ systemId, branchId, name: segment.object });
  const bytes = await getLogSegment(pool, object, segment.rawSha256).catch(
    (error: unknown) => void demandCorrupt(error),
  );
  return bytes === undefined || bytes.length < length ? undefined : sha256Hex(bytes.subarray(0, length));
}

const bytesBeforeEnd = ({ endLsn, endSegment, segmentBytes }: LogRange): number =>
  lsnToNumber(endLsn) - segmentPosition(endSegment, segmentBytes).number * segmentBytes;
