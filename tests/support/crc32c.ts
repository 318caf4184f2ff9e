const polynomial = 0x82f63b78;

const tableEntry = (byte: number): number => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ polynomial;
  return value >>> 0;
};

const table = Array.from({ length: 256 }, (_, byte) => tableEntry(byte));

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of a small buffer; a second, independent implementation for tests. */
export const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
};
