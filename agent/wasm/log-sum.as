/**
 * AssemblyScript source of the CRC-32C of log records, on segments that lie in this memory. Built by build.mjs without runtime: nothing here allocates.
 * Tables of eight bytes a step, as core/wal/crc32c.ts; longer inputs in three parts side by side, because a step waits for the
 * one before it. The sums of the parts are shifted over what follows them and added.
 *
 * Records that hold images of pages are folded first. With y = x^128, which stands for the next 16 bytes, y^79 = y^75 + y^71 +
 * y^58 + y^18 + y^12 + y + 1 modulo P: the shortest multiple of P in y of eight terms (page-scan.as uses one of six, which is
 * longer). A block of 16 bytes may therefore be replaced by its copies 4, 8, 21, 61, 67, 78 and 79 blocks on. All but the last
 * 79 blocks vanish that way; the tables sum up only the rest.
 */

/** The layout of log-memory.ts: everything here lies in the first 64 KiB, below the room of the reader. */
const tables: usize = 4096;
const longShift: usize = 12288;
const shortShift: usize = 16384;
const polynomial: u32 = 0x82f63b78;
/** What is folded, behind as many zeros; in chunks, so that it stays in the cache of the processor. */
const foldedBlocks: usize = 79;
const foldedBytes: usize = 1264;
const historyAt: usize = 20480;
const chunkAt: usize = historyAt + foldedBytes;
const chunkBytes: usize = 8192;
const restAt: usize = chunkAt + chunkBytes + foldedBytes;
/** Below this the tables alone are as fast. */
const leastFolded: usize = 3072;
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

/** The block at `data` with all that was folded into it; `at` is its place among the folded ones. */
// @ts-ignore: decorator
@inline
function folded(data: usize, at: usize): v128 {
  return v128.xor(
    v128.xor(v128.xor(v128.load(data), v128.load(at - 64)), v128.xor(v128.load(at - 128), v128.load(at - 336))),
    v128.xor(v128.xor(v128.load(at - 976), v128.load(at - 1072)), v128.xor(v128.load(at - 1248), v128.load(at - 1264))),
  );
}

/** Carries a CRC-32C on like `sum`, for at least `leastFolded` bytes. */
function sumFolded(begin: u32, from: usize, to: usize): u32 {
  let data = from;
  memory.fill(historyAt, 0, foldedBytes);
  // What was summed up so far is added to the first four bytes.
  let first = v128.xor(v128.load(data), i32x4.replace_lane(i32x4.splat(0), 0, begin));
  v128.store(chunkAt, first);
  data += 16;
  let at = chunkAt + 16;
  let left = ((to - from) >> 4) - foldedBlocks - 1;
  while (left > 0) {
    const room = (chunkAt + chunkBytes - at) >> 4;
    const blocks = left < room ? left : room;
    const end = at + (blocks << 4);
    for (; at + 64 <= end; at += 64, data += 64) {
      v128.store(at, folded(data, at));
      v128.store(at, folded(data + 16, at + 16), 16);
      v128.store(at, folded(data + 32, at + 32), 32);
      v128.store(at, folded(data + 48, at + 48), 48);
    }
    for (; at < end; at += 16, data += 16) v128.store(at, folded(data, at));
    left -= blocks;
    if (left > 0) {
      memory.copy(historyAt, at - foldedBytes, foldedBytes);
      at = chunkAt;
    }
  }
  // The rest takes what was folded into it, and nothing of itself: zeros stand where it would lie.
  memory.fill(at, 0, foldedBytes);
  for (let i: usize = 0; i < foldedBytes; i += 16, data += 16) v128.store(restAt + i, folded(data, at + i));
  return byTables(byTables(0, restAt, restAt + foldedBytes), data, to);
}

/** Carries a CRC-32C on over `[from, to)`. Begin with -1 and complement the end result. */
export function sum(begin: u32, from: usize, to: usize): u32 {
  return to - from < leastFolded ? byTables(begin, from, to) : sumFolded(begin, from, to);
}

function byTables(begin: u32, from: usize, to: usize): u32 {
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
