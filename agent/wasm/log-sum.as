/**
 * AssemblyScript source of the CRC-32C of log records, on segments that lie in this memory. Built by build.mjs without runtime: nothing here allocates.
 * Tables of eight bytes a step, as core/wal/crc32c.ts; longer inputs in three parts side by side, because a step waits for the
 * one before it. The sums of the parts are shifted over what follows them and added.
 */

/** The layout of log-memory.ts: everything here lies in the first 64 KiB, below the room of the reader. */
const tables: usize = 4096;
const longShift: usize = 12288;
const shortShift: usize = 16384;
const polynomial: u32 = 0x82f63b78;
/** Bytes of one of three parts. */
const longPart: usize = 1024;
const shortPart: usize = 128;
const headerBytes: usize = 24;
/** Bytes of the header before the sum itself. */
const summedHeader: usize = 20;

for (let byte: u32 = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ polynomial : crc >> 1;
  store<u32>(tables + (byte << 2), crc);
}
for (let i: u32 = 256; i < 2048; i++) {
  const before = load<u32>(tables + ((i - 256) << 2));
  store<u32>(tables + (i << 2), (before >> 8) ^ load<u32>(tables + ((before & 255) << 2)));
}
makeShift(longShift, longPart);
makeShift(shortShift, shortPart);

/** Four tables of 256: what becomes of each byte of a sum when `bytes` zero bytes follow. */
function makeShift(at: usize, bytes: usize): void {
  for (let i: u32 = 0; i < 1024; i++) {
    let crc: u32 = (i & 255) << ((i >> 8) << 3);
    for (let done: usize = 0; done < bytes; done++) crc = (crc >> 8) ^ load<u32>(tables + ((crc & 255) << 2));
    store<u32>(at + (i << 2), crc);
  }
}

// @ts-ignore: decorator
@inline
function entry(table: usize, byte: u32): u32 {
  return load<u32>(tables + (table << 10) + ((byte & 255) << 2));
}

// @ts-ignore: decorator
@inline
function shifted(shift: usize, crc: u32): u32 {
  return (
    load<u32>(shift + ((crc & 255) << 2)) ^
    load<u32>(shift + 1024 + (((crc >> 8) & 255) << 2)) ^
    load<u32>(shift + 2048 + (((crc >> 16) & 255) << 2)) ^
    load<u32>(shift + 3072 + ((crc >> 24) << 2))
  );
}

// @ts-ignore: decorator
@inline
function step(crc: u32, at: usize): u32 {
  const word = load<u64>(at) ^ <u64>crc;
  const low = <u32>word;
  const high = <u32>(word >> 32);
  return (
    entry(7, low) ^ entry(6, low >> 8) ^ entry(5, low >> 16) ^ entry(4, low >> 24) ^
    entry(3, high) ^ entry(2, high >> 8) ^ entry(1, high >> 16) ^ entry(0, high >> 24)
  );
}

// @ts-ignore: decorator
@inline
function threeParts(begin: u32, from: usize, part: usize, shift: usize): u32 {
  let a = begin;
  let b: u32 = 0;
  let c: u32 = 0;
  const end = from + part;
  for (let at = from; at < end; at += 8) {
    a = step(a, at);
    b = step(b, at + part);
    c = step(c, at + 2 * part);
  }
  return shifted(shift, shifted(shift, a) ^ b) ^ c;
}

/** Carries a CRC-32C on over `[from, to)`. Begin with -1 and complement the end result. */
export function sum(begin: u32, from: usize, to: usize): u32 {
  let crc = begin;
  let at = from;
  for (; at + 3 * longPart <= to; at += 3 * longPart) crc = threeParts(crc, at, longPart, longShift);
  for (; at + 3 * shortPart <= to; at += 3 * shortPart) crc = threeParts(crc, at, shortPart, shortShift);
  for (; at + 8 <= to; at += 8) crc = step(crc, at);
  for (; at < to; at++) crc = (crc >> 8) ^ entry(0, crc ^ load<u8>(at));
  return crc;
}

/** CRC-32C of a log record as its header holds it: what follows the header, then the header up to the sum. */
export function recordSum(from: usize, to: usize): u32 {
  return ~sum(sum(0xffffffff, from + headerBytes, to), from, from + summedHeader);
}
