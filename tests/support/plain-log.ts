import { segmentStart } from '#core/wal/segment-name.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { crc32c } from './crc32c.ts';

/** Log without a server: a few commits to a segment, then a switch, every record linked to the one before (xlogrecord.h of PostgreSQL 15). */
export const plainSegmentBytes = 1_048_576;
export const plainSystemId = '7300000000000000001';

const pageBytes = 8192;
const magicOf15 = 0xd110;
const longHeader = 40;
/** Microseconds of 2000-01-01, from which PostgreSQL counts. */
const epochMicros = 946_684_800_000_000n;

/** What is written; different seeds make different log of the same shape. */
export interface PlainLog {
  readonly number: number;
  readonly seed: number;
  /** Position of the last record before. */
  readonly after: number;
  readonly commits?: number;
  /** So many of the commits are those of seed 1. */
  readonly common?: number;
  /** Without the switch: the segment is not finished yet. */
  readonly isOpen?: boolean;
}

export const plainName = (number: number): SegmentName => formatSegmentName({ timeline: 1, number }, plainSegmentBytes);

/** Answers the bytes and where the last record begins. */
export function plainSegment(log: PlainLog): { readonly bytes: Buffer; readonly last: number } {
  const { number, seed, commits = 3, common = 0, isOpen = false } = log;
  const begin = lsnToNumber(segmentStart(plainName(number), plainSegmentBytes));
  const bytes = emptySegment(begin);
  let at = longHeader;
  let last = log.after;
  const write = (record: Buffer): void => {
    record.writeBigUInt64LE(BigInt(last), 8);
    record.writeUInt32LE(crc32c(Buffer.concat([record.subarray(24), record.subarray(0, 20)])), 20);
    record.copy(bytes, at);
    last = begin + at;
    at += Math.ceil(record.length / 8) * 8;
  };
  for (let i = 0; i < commits; i++) write(commitRecord(i, i < common ? 1 : seed));
  if (!isOpen) write(recordOf(0, 0x40, 0, Buffer.alloc(0)));
  return { bytes, last };
}

function emptySegment(begin: number): Buffer {
  const bytes = Buffer.alloc(plainSegmentBytes);
  for (let at = 0; at < bytes.length; at += pageBytes) {
    bytes.writeUInt16LE(magicOf15, at);
    bytes.writeUInt16LE(at === 0 ? 2 : 0, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeBigUInt64LE(BigInt(begin + at), at + 8);
  }
  bytes.writeBigUInt64LE(BigInt(plainSystemId), 24);
  bytes.writeUInt32LE(plainSegmentBytes, 32);
  bytes.writeUInt32LE(pageBytes, 36);
  return bytes;
}

/** Resource manager, info, transaction. */
function recordOf(manager: number, info: number, xid: number, data: Buffer): Buffer {
  const record = Buffer.alloc(24 + data.length);
  record.writeUInt32LE(record.length, 0);
  record.writeUInt32LE(xid, 4);
  record[16] = info;
  record[17] = manager;
  data.copy(record, 24);
  return record;
}

/** One second after the other, an hour later for each seed. */
function commitRecord(i: number, seed: number): Buffer {
  const data = Buffer.alloc(10);
  data[0] = 255;
  data[1] = 8;
  const atMs = 1_700_000_000_000 + seed * 3_600_000 + i * 1000;
  data.writeBigInt64LE(BigInt(atMs) * 1000n - epochMicros, 2);
  return recordOf(1, 0, 100 + i * seed, data);
}
