/**
 * AssemblyScript source of the page scanner (PostgreSQL src/include/storage/checksum_impl.h: 32 parallel FNV-1a sums).
 * Eight 128-bit lanes hold the 32 sums. Built by build.mjs without runtime: nothing here allocates.
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
