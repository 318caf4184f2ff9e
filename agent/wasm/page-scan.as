/**
 * AssemblyScript source of the page scanner (PostgreSQL src/include/storage/checksum_impl.h: 32 parallel FNV-1a sums;
 * eight 128-bit vectors hold them) and of XXH3-128 (xxHash specification), both on bytes that lie in this memory. Built by build.mjs without runtime: nothing here allocates.
 */

const baseOffsets = memory.data<u32>(
  [
    0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f, 0xe39eb970,
    0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de,
    0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be,
    0xf2ca9fd3, 0x959bd756,
  ],
  16,
);

/** The layout of page-memory.ts: 64 KiB, one extent of 1 MiB, then the answers. */
const flagsAt: usize = 65536 + 1048576;
const checksumAt: usize = 8;
const upperAt: usize = 14;

// @ts-ignore: decorator
@inline
function mix(sum: v128, data: v128): v128 {
  const t = v128.xor(sum, data);
  return v128.xor(i32x4.mul(t, i32x4.splat(16777619)), i32x4.shr_u(t, 17));
}

function pageSum(page: usize, pageBytes: u32): u32 {
  let s0 = v128.load(baseOffsets);
  let s1 = v128.load(baseOffsets, 16);
  let s2 = v128.load(baseOffsets, 32);
  let s3 = v128.load(baseOffsets, 48);
  let s4 = v128.load(baseOffsets, 64);
  let s5 = v128.load(baseOffsets, 80);
  let s6 = v128.load(baseOffsets, 96);
  let s7 = v128.load(baseOffsets, 112);
  const end = page + <usize>pageBytes;
  for (let row = page; row < end; row += 128) {
    s0 = mix(s0, v128.load(row));
    s1 = mix(s1, v128.load(row, 16));
    s2 = mix(s2, v128.load(row, 32));
    s3 = mix(s3, v128.load(row, 48));
    s4 = mix(s4, v128.load(row, 64));
    s5 = mix(s5, v128.load(row, 80));
    s6 = mix(s6, v128.load(row, 96));
    s7 = mix(s7, v128.load(row, 112));
  }
  const zero = i32x4.splat(0);
  for (let round = 0; round < 2; round++) {
    s0 = mix(s0, zero);
    s1 = mix(s1, zero);
    s2 = mix(s2, zero);
    s3 = mix(s3, zero);
    s4 = mix(s4, zero);
    s5 = mix(s5, zero);
    s6 = mix(s6, zero);
    s7 = mix(s7, zero);
  }
  const x = v128.xor(
    v128.xor(v128.xor(s0, s1), v128.xor(s2, s3)),
    v128.xor(v128.xor(s4, s5), v128.xor(s6, s7)),
  );
  return (
    i32x4.extract_lane(x, 0) ^ i32x4.extract_lane(x, 1) ^ i32x4.extract_lane(x, 2) ^ i32x4.extract_lane(x, 3)
  );
}

/** 1 when every byte of `[at, at + length)` is zero. */
export function isZero(at: usize, length: u32): u32 {
  const end = at + <usize>length;
  while (at + 64 <= end) {
    const block = v128.or(
      v128.or(v128.load(at), v128.load(at, 16)),
      v128.or(v128.load(at, 32), v128.load(at, 48)),
    );
    if (v128.any_true(block)) return 0;
    at += 64;
  }
  while (at < end) {
    if (load<u8>(at) != 0) return 0;
    at++;
  }
  return 1;
}

/**
 * Checks `pages` pages from `at`; the first has number `firstBlock` within its relation. Writes one byte a page to
 * `flagsAt` (1 = bad) and returns how many are bad. A page that was never initialised (pd_upper 0) must be all zero.
 */
export function scan(at: usize, pages: u32, firstBlock: u32, pageBytes: u32): u32 {
  let bad: u32 = 0;
  for (let i: u32 = 0; i < pages; i++, at += <usize>pageBytes) {
    let isBad: u32;
    if (load<u16>(at, upperAt) == 0) {
      isBad = isZero(at, pageBytes) ^ 1;
    } else {
      const stored: u32 = load<u16>(at, checksumAt);
      store<u16>(at, 0, checksumAt);
      const sum = pageSum(at, pageBytes);
      store<u16>(at, <u16>stored, checksumAt);
      isBad = u32((sum ^ (firstBlock + i)) % 65535 + 1 != stored);
    }
    store<u8>(flagsAt + i, <u8>isBad);
    bad += isBad;
  }
  return bad;
}

/**
 * Marks pages that an older copy may not have: with an LSN at or after `since` (two words, the high one first, as pd_lsn
 * is), with LSN 0, or with pd_upper 0, which covers pages that are all zero. One byte a page to `flagsAt`; how many.
 */
export function newer(at: usize, pages: u32, pageBytes: u32, since: u64): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < pages; i++, at += <usize>pageBytes) {
    const lsn = (<u64>load<u32>(at) << 32) | <u64>load<u32>(at, 4);
    const isNewer = u32(lsn >= since || lsn == 0 || load<u16>(at, upperAt) == 0);
    store<u8>(flagsAt + i, <u8>isNewer);
    found += isNewer;
  }
  return found;
}

/** Default secret of XXH3 (xxHash specification). */
const secret = memory.data<u8>(
  [
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
  ],
  16,
);

const prime32x1: u64 = 0x9e3779b1;
const prime32x2: u64 = 0x85ebca77;
const prime32x3: u64 = 0xc2b2ae3d;
const prime64x1: u64 = 0x9e3779b185ebca87;
const prime64x2: u64 = 0xc2b2ae3d27d4eb4f;
const prime64x3: u64 = 0x165667b19e3779f9;
const prime64x4: u64 = 0x85ebca77c2b2ae63;
const prime64x5: u64 = 0x27d4eb2f165667c5;

const stripeBytes: usize = 64;
const stripesPerBlock: u32 = 16;
const blockBytes: u32 = 1024;
const secretBytes: usize = 192;

/** The eight 64-bit sums of XXH3, two in each. */
let sum01: v128 = i64x2.splat(0);
let sum23: v128 = i64x2.splat(0);
let sum45: v128 = i64x2.splat(0);
let sum67: v128 = i64x2.splat(0);

/** The low 32 bits of the four 64-bit lanes of a and b. */
// @ts-ignore: decorator
@inline
function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 2, 4, 6);
}

/** The high 32 bits of the four 64-bit lanes of a and b. */
// @ts-ignore: decorator
@inline
function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function swapped(a: v128): v128 {
  return v128.shuffle<u64>(a, a, 1, 0);
}

function accumulate(at: usize, stripes: u32, key: usize): void {
  let s0 = sum01;
  let s1 = sum23;
  let s2 = sum45;
  let s3 = sum67;
  for (let i: u32 = 0; i < stripes; i++, at += stripeBytes, key += 8) {
    const d0 = v128.load(at);
    const d1 = v128.load(at, 16);
    const d2 = v128.load(at, 32);
    const d3 = v128.load(at, 48);
    const k0 = v128.xor(d0, v128.load(key));
    const k1 = v128.xor(d1, v128.load(key, 16));
    const k2 = v128.xor(d2, v128.load(key, 32));
    const k3 = v128.xor(d3, v128.load(key, 48));
    const low01 = lowHalves(k0, k1);
    const high01 = highHalves(k0, k1);
    const low23 = lowHalves(k2, k3);
    const high23 = highHalves(k2, k3);
    s0 = i64x2.add(i64x2.add(s0, swapped(d0)), i64x2.extmul_low_i32x4_u(low01, high01));
    s1 = i64x2.add(i64x2.add(s1, swapped(d1)), i64x2.extmul_high_i32x4_u(low01, high01));
    s2 = i64x2.add(i64x2.add(s2, swapped(d2)), i64x2.extmul_low_i32x4_u(low23, high23));
    s3 = i64x2.add(i64x2.add(s3, swapped(d3)), i64x2.extmul_high_i32x4_u(low23, high23));
  }
  sum01 = s0;
  sum23 = s1;
  sum45 = s2;
  sum67 = s3;
}

// @ts-ignore: decorator
@inline
function scrambled(sum: v128, key: usize): v128 {
  const x = v128.xor(v128.xor(sum, i64x2.shr_u(sum, 47)), v128.load(key));
  return i64x2.mul(x, i64x2.splat(prime32x1));
}

/** Low XOR high half of the 128-bit product. */
function foldedProduct(a: u64, b: u64): u64 {
  const lowA = a & 0xffffffff;
  const highA = a >> 32;
  const lowB = b & 0xffffffff;
  const highB = b >> 32;
  const low = lowA * lowB;
  const middle = highA * lowB + (low >> 32);
  const cross = lowA * highB + (middle & 0xffffffff);
  const upper = highA * highB + (middle >> 32) + (cross >> 32);
  return upper ^ ((cross << 32) | (low & 0xffffffff));
}

// @ts-ignore: decorator
@inline
function foldedLanes(sum: v128, key: usize): u64 {
  return foldedProduct(i64x2.extract_lane(sum, 0) ^ load<u64>(key), i64x2.extract_lane(sum, 1) ^ load<u64>(key, 8));
}

function merged(key: usize, start: u64): u64 {
  let h = start + foldedLanes(sum01, key) + foldedLanes(sum23, key + 16);
  h += foldedLanes(sum45, key + 32) + foldedLanes(sum67, key + 48);
  h ^= h >> 37;
  h *= 0x165667919e3779f9;
  return h ^ (h >> 32);
}

/** XXH3-128 with seed 0 of more than 240 bytes: the high half goes to `flagsAt`, the low half 8 bytes on. */
export function hash(at: usize, length: u32): void {
  sum01 = i64x2.replace_lane(i64x2.splat(prime32x3), 1, prime64x1);
  sum23 = i64x2.replace_lane(i64x2.splat(prime64x2), 1, prime64x3);
  sum45 = i64x2.replace_lane(i64x2.splat(prime64x4), 1, prime32x2);
  sum67 = i64x2.replace_lane(i64x2.splat(prime64x5), 1, prime32x1);
  const blocks = (length - 1) / blockBytes;
  const lastKey = secret + secretBytes - stripeBytes;
  let from = at;
  for (let block: u32 = 0; block < blocks; block++, from += <usize>blockBytes) {
    accumulate(from, stripesPerBlock, secret);
    sum01 = scrambled(sum01, lastKey);
    sum23 = scrambled(sum23, lastKey + 16);
    sum45 = scrambled(sum45, lastKey + 32);
    sum67 = scrambled(sum67, lastKey + 48);
  }
  accumulate(from, (length - 1 - blocks * blockBytes) / <u32>stripeBytes, secret);
  accumulate(at + <usize>length - stripeBytes, 1, lastKey - 7);
  store<u64>(flagsAt, merged(lastKey - 11, ~(<u64>length * prime64x2)));
  store<u64>(flagsAt, merged(secret + 11, <u64>length * prime64x1), 8);
}

/**
 * CRC-32C without an instruction for it. The sum is the remainder of the bytes as a polynomial in x modulo P, so what is congruent has the same sum.
 * With y = x^128, which stands for the next 16 bytes, y^209 = y^144 + y^54 + y^39 + y^14 + 1 modulo P: whatever a root of P solves, its 128th power
 * solves too (Frobenius), and this is the shortest such multiple of six terms. A block of 16 bytes may therefore be
 * replaced by its copies 65, 155, 170, 195 and 209 blocks on. All but the last 209 blocks vanish that way, 16 bytes in six loads;
 * the tables sum up only the rest.
 */
const crcTables: usize = 49152;
const crcPolynomial: u32 = 0x82f63b78;
const foldedBlocks: u32 = 209;
const foldedBytes: usize = 3344;
const chunkBlocks: u32 = 2048;
/** Behind the answers: what was folded before the chunk, the chunk and 209 blocks more, the rest. */
const historyAt: usize = flagsAt + 16384;
const chunkAt: usize = historyAt + foldedBytes;
const restAt: usize = chunkAt + 32768 + foldedBytes;
/** Below this the tables alone are as fast. */
const leastFolded: u32 = 8192;

for (let byte: u32 = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ crcPolynomial : crc >> 1;
  store<u32>(crcTables + (byte << 2), crc);
}
for (let i: u32 = 256; i < 2048; i++) {
  const before = load<u32>(crcTables + ((i - 256) << 2));
  store<u32>(crcTables + (i << 2), (before >> 8) ^ load<u32>(crcTables + ((before & 255) << 2)));
}

// @ts-ignore: decorator
@inline
function crcEntry(table: usize, byte: u32): u32 {
  return load<u32>(crcTables + (table << 10) + ((byte & 255) << 2));
}

function crcByTables(begin: u32, from: usize, length: usize): u32 {
  let crc = begin;
  let at = from;
  const end = from + length;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ load<u32>(at);
    const high = load<u32>(at, 4);
    crc =
      crcEntry(7, low) ^ crcEntry(6, low >> 8) ^ crcEntry(5, low >> 16) ^ crcEntry(4, low >> 24) ^
      crcEntry(3, high) ^ crcEntry(2, high >> 8) ^ crcEntry(1, high >> 16) ^ crcEntry(0, high >> 24);
  }
  for (; at < end; at++) crc = (crc >> 8) ^ crcEntry(0, crc ^ load<u8>(at));
  return crc;
}

/** The block at `data` with all that was folded into it; `at` is its place among the folded ones. */
// @ts-ignore: decorator
@inline
function folded(data: usize, at: usize): v128 {
  return v128.xor(
    v128.xor(v128.xor(v128.load(data), v128.load(at - 1040)), v128.xor(v128.load(at - 2480), v128.load(at - 2720))),
    v128.xor(v128.load(at - 3120), v128.load(at - 3344)),
  );
}

/**
 * CRC-32C of `[from, from + length)` as a linear function: begun with 0 and not complemented, so that sums of parts can be
 * shifted and added (core/restore/crc-sum.ts).
 */
export function crc(from: usize, length: u32): u32 {
  if (length < leastFolded) return crcByTables(0, from, <usize>length);
  let left = (length >> 4) - foldedBlocks;
  let data = from;
  memory.fill(historyAt, 0, foldedBytes);
  let at = chunkAt;
  while (left > 0) {
    const blocks = left < chunkBlocks ? left : chunkBlocks;
    const end = chunkAt + (<usize>blocks << 4);
    for (at = chunkAt; at + 64 <= end; at += 64, data += 64) {
      v128.store(at, folded(data, at));
      v128.store(at, folded(data + 16, at + 16), 16);
      v128.store(at, folded(data + 32, at + 32), 32);
      v128.store(at, folded(data + 48, at + 48), 48);
    }
    for (; at < end; at += 16, data += 16) v128.store(at, folded(data, at));
    left -= blocks;
    if (left > 0) memory.copy(historyAt, at - foldedBytes, foldedBytes);
  }
  memory.fill(at, 0, foldedBytes);
  for (let i: usize = 0; i < foldedBytes; i += 16) v128.store(restAt + i, folded(data + i, at + i));
  const sum = crcByTables(0, restAt, foldedBytes);
  return crcByTables(sum, data + foldedBytes, <usize>length & 15);
}
