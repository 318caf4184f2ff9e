/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes at a time: table k is at [256·k, 256·k + 256). */
const table = makeTable();

function makeTable(): Int32Array {
  const made = new Int32Array(2048);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < 2048; at++) {
    const before = made[at - 256] ?? 0;
    made[at] = (before >>> 8) ^ (made[before & 255] ?? 0);
  }
  return made;
}

/**
 * Carries a CRC on over `[from, to)`. Begin with −1 and complement the end result. `view` and the offsets lie on the
 * same bytes; the caller checks the range.
 */
export function crc32cOver(begin: number, view: DataView, from: number, to: number): number {
  let crc = begin;
  let p = from;
  for (; to - p >= 8; p += 8) {
    crc ^= view.getInt32(p, true);
    const high = view.getInt32(p + 4, true);
    crc =
      (table[1792 + (crc & 255)] ?? 0) ^
      (table[1536 + ((crc >>> 8) & 255)] ?? 0) ^
      (table[1280 + ((crc >>> 16) & 255)] ?? 0) ^
      (table[1024 + (crc >>> 24)] ?? 0) ^
      (table[768 + (high & 255)] ?? 0) ^
      (table[512 + ((high >>> 8) & 255)] ?? 0) ^
      (table[256 + ((high >>> 16) & 255)] ?? 0) ^
      (table[high >>> 24] ?? 0);
  }
  for (; p < to; p++) crc = (crc >>> 8) ^ (table[(crc ^ view.getUint8(p)) & 255] ?? 0);
  return crc;
}

/** CRC-32C of bytes as PostgreSQL stores it: unsigned 32 bits. */
export function crc32c(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ~crc32cOver(-1, view, 0, bytes.byteLength) >>> 0;
}
