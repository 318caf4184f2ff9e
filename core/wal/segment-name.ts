import type { Brand } from '../id.ts';
import type { Lsn } from './lsn.ts';
import { formatLsn, lsnToNumber } from './lsn.ts';
import { fail } from '../errors/fail.ts';

/** Name of a log segment file: 24 hex digits = timeline, high and low part of its number (PG manual "WAL Internals"). */
export type SegmentName = Brand<string, 'SegmentName'>;

export interface SegmentPosition {
  readonly timeline: number;
  /** Number of the segment counted from LSN 0. */
  readonly number: number;
}

const hex8 = (n: number): string => n.toString(16).toUpperCase().padStart(8, '0');
const perXlogId = (segmentBytes: number): number => Math.floor(4294967296 / segmentBytes);

export const isSegmentName = (text: string): text is SegmentName => /^[0-9A-F]{24}$/.test(text);

/** Parses a segment file name. Throws `value_malformed`. */
export function parseSegmentName(text: string): SegmentName {
  if (!isSegmentName(text))
    throw fail('value_malformed', { text, what: 'log segment name', expected: '24 hexadecimal digits' });
  return text;
}

/** Timeline and number of a segment for a segment size in bytes (a power of two, 1 MiB–1 GiB). */
export function segmentPosition(name: SegmentName, segmentBytes: number): SegmentPosition {
  const high = parseInt(name.slice(8, 16), 16);
  return {
    timeline: parseInt(name.slice(0, 8), 16),
    number: high * perXlogId(segmentBytes) + parseInt(name.slice(16), 16),
  };
}

export function formatSegmentName({ timeline, number }: SegmentPosition, segmentBytes: number): SegmentName {
  const per = perXlogId(segmentBytes);
  return `${hex8(timeline)}${hex8(Math.floor(number / per))}${hex8(number % per)}` as SegmentName;
}

/** The segment that holds the byte at `lsn`. */
export const segmentOf = (timeline: number, lsn: Lsn, segmentBytes: number): SegmentName =>
  formatSegmentName({ timeline, number: Math.floor(lsnToNumber(lsn) / segmentBytes) }, segmentBytes);

/** First LSN of a segment. */
export const segmentStart = (name: SegmentName, segmentBytes: number): Lsn =>
  formatLsn(segmentPosition(name, segmentBytes).number * segmentBytes);

/** A position at or before the segment's first byte when its size is not known: no segment is smaller than 1 MiB. */
export const earliestPosition = (name: SegmentName): number =>
  parseInt(name.slice(8, 16), 16) * 4294967296 + parseInt(name.slice(16), 16) * 1048576;
