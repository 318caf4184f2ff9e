/** Log page headers of PostgreSQL 12–18 (`xlog_internal.h`: XLogPageHeaderData, XLogLongPageHeaderData). */

/** Page magic → server major. It changes with every major that changes a record. */
const majorByMagic: Readonly<Record<number, number>> = {
  0xd101: 12,
  0xd106: 13,
  0xd10d: 14,
  0xd110: 15,
  0xd113: 16,
  0xd116: 17,
  0xd118: 18,
};

export const shortHeaderBytes = 24;
export const longHeaderBytes = 40;
const continuationFlag = 1;
const longFlag = 2;
const overwriteFlag = 8;
const knownFlags = 15;

/** What the first page of a segment says about the whole file. */
export interface SegmentHeader {
  readonly magic: number;
  readonly major: number;
  /** Timeline of the first page: not above the one of the file name, below it in the first segment of a branch. */
  readonly timeline: number;
  /** Byte position of the segment in the log. */
  readonly position: number;
  /** Decimal text: an unsigned 64-bit number. */
  readonly systemId: string;
  readonly segmentBytes: number;
  readonly pageBytes: number;
}

const isPowerOfTwoWithin = (n: number, low: number, high: number): boolean =>
  n >= low && n <= high && (n & (n - 1)) === 0;

/** Byte position as a number; exact below 2^53. */
export const positionAt = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;

/** Decodes the long header of a segment; undefined when the bytes do not begin with one that we know. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.byteLength < longHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint16(0, true);
  const major = majorByMagic[magic];
  const segmentBytes = view.getUint32(32, true);
  const pageBytes = view.getUint32(36, true);
  const isLong = (view.getUint16(2, true) & longFlag) !== 0;
  if (major === undefined || !isLong) return undefined;
  if (!isPowerOfTwoWithin(segmentBytes, 1 << 20, 1 << 30) || !isPowerOfTwoWithin(pageBytes, 1 << 10, 1 << 16))
    return undefined;
  const systemId = view.getBigUint64(24, true).toString();
  return {
    magic,
    major,
    timeline: view.getUint32(4, true),
    position: positionAt(view, 8),
    systemId,
    segmentBytes,
    pageBytes,
  };
}

/** State of one page after its header was checked. */
export interface LogPage {
  /** Offset of the first byte after the header. */
  readonly bodyAt: number;
  /** Bytes of an unfinished record that this page and the next ones begin with; 0 when a record begins here. */
  readonly continuationBytes: number;
  /** The unfinished record before this page was given up after a crash and overwritten (PG 13.5, 14.1 and later). */
  readonly wasOverwritten: boolean;
  readonly timeline: number;
}

/** Checks the header of the page at `at`; undefined when it is not a page of this segment at this place. */
export function decodePage(
  view: DataView,
  at: number,
  header: SegmentHeader,
  lowestTimeline: number,
): LogPage | undefined {
  const flags = view.getUint16(at + 2, true);
  const timeline = view.getUint32(at + 4, true);
  const isLong = (flags & longFlag) !== 0;
  if (view.getUint16(at, true) !== header.magic || (flags & ~knownFlags) !== 0 || isLong !== (at === 0))
    return undefined;
  if (positionAt(view, at + 8) !== header.position + at || timeline < lowestTimeline) return undefined;
  return {
    bodyAt: at + (isLong ? longHeaderBytes : shortHeaderBytes),
    continuationBytes: (flags & continuationFlag) === 0 ? 0 : view.getUint32(at + 16, true),
    wasOverwritten: (flags & overwriteFlag) !== 0,
    timeline,
  };
}
