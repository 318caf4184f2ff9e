import type { SegmentOfBatch } from '../log/batch-summary.ts';
import type { SegmentReading } from './segment-reading.ts';
import type { HistoryEntry } from './history-file.ts';
import type { SegmentName } from './segment-name.ts';
import { fail } from '../errors/fail.ts';
import { formatLsn, lsnToNumber } from './lsn.ts';
import { segmentPosition, segmentStart } from './segment-name.ts';

/** What a file of the archive must be. */
export interface ExpectedSegment {
  readonly name: SegmentName;
  /** Path, for messages. */
  readonly file: string;
  readonly systemId: string;
  readonly bytes: number;
  /** History of its timeline, oldest first. */
  readonly history: readonly HistoryEntry[];
}

const why: Readonly<Record<string, string>> = {
  'not-log': 'it does not begin with a log page',
  'page-header': 'a page header is wrong or missing',
  zero: 'the log ends in zeros',
  length: 'a record length is impossible',
  crc: 'the CRC of a record does not match',
  prev: 'a record does not continue the one before it',
  continuation: 'the rest of a record is missing',
};

/**
 * Checks one archived segment by what the reader found: whose it is, which one it is, and that the chain of records
 * leads to its end (K-049). Throws `log_damaged`, `log_foreign`, `log_name_mismatch`.
 */
export function checkSegment(expected: ExpectedSegment, reading: SegmentReading | undefined): SegmentReading {
  const { file, name } = expected;
  if (reading === undefined) throw fail('log_damaged', { file, what: why['not-log'] ?? '', offset: '0' });
  const { header, stop } = reading;
  if (header.systemId !== expected.systemId)
    throw fail('log_foreign', { file, found: header.systemId, expected: expected.systemId });
  const isNamed = reading.from === segmentStart(name, header.segmentBytes) && isOfBranch(expected, reading);
  if (!isNamed) throw fail('log_name_mismatch', { file, found: reading.from, timeline: String(reading.timeline) });
  if (stop !== undefined)
    throw fail('log_damaged', { file, what: why[stop.reason] ?? stop.reason, offset: String(stop.offset) });
  if (expected.bytes !== header.segmentBytes) {
    throw fail('log_damaged', {
      file,
      what: `it is ${String(expected.bytes)} bytes long instead of ${String(header.segmentBytes)}`,
      offset: '0',
    });
  }
  return reading;
}

/** Pages up to the fork may still carry the number of an ancestor; segments behind the fork may not. */
function isOfBranch({ name, history }: ExpectedSegment, reading: SegmentReading): boolean {
  const { timeline } = segmentPosition(name, reading.header.segmentBytes);
  const fork = history[history.length - 1]?.switchLsn;
  const isBehindFork = lsnToNumber(reading.from) > lsnToNumber(fork ?? formatLsn(0));
  const isAncestor = history.some((entry) => entry.timeline === reading.timeline);
  return reading.timeline === timeline || (isAncestor && !isBehindFork);
}

/** Where the segment went and what its bytes hash to. */
export interface StoredSegment {
  readonly object: string;
  readonly rawSha256: string;
  readonly storedSha256: string;
  readonly rawBytes: number;
  readonly storedBytes: number;
}

/** The entry of a batch. `previousRecord` is the last record known before, for a segment in which no record ends. */
export function entryOf(
  name: SegmentName,
  reading: SegmentReading,
  stored: StoredSegment,
  previousRecord: SegmentOfBatch['from'],
): SegmentOfBatch {
  const { from, to, firstCommit, lastCommit, maxCommit, marks, xids, restorePoints } = reading;
  return {
    name,
    from,
    to,
    ...stored,
    lastRecord: reading.lastRecord ?? previousRecord,
    restorePoints,
    marks,
    ...(firstCommit === undefined ? {} : { firstCommit }),
    ...(lastCommit === undefined ? {} : { lastCommit }),
    ...(maxCommit === undefined ? {} : { maxCommit }),
    ...(xids === undefined ? {} : { xids }),
  };
}
