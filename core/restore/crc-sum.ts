/**
 * CRC-32C of a file from sums of its parts, in any order. The register of a CRC is linear over GF(2): begun with 0 and not
 * complemented, the sum of a file is the XOR of the sums of its parts, each shifted by what follows the part (Rocksoft
 * model, RFC 3720 appendix B.4 for the polynomial). Bytes that are zero add nothing, wherever they stand.
 */
const polynomial = 0x82f63b78;

/** Product of two polynomials modulo P; bit 31 is the coefficient of 1. */
function times(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bits = a; bits !== 0; bits <<= 1) {
    if (bits < 0) product ^= factor;
    factor = (factor & 1) === 1 ? (factor >>> 1) ^ polynomial : factor >>> 1;
  }
  return product;
}

/** Shift by 2^k bytes, for k up to the longest file. */
const shifts: readonly number[] = makeShifts();

function makeShifts(): readonly number[] {
  const made = [1 << 23];
  for (let k = 1; k < 53; k++) {
    const half = made[k - 1] ?? 0;
    made.push(times(half, half));
  }
  return made;
}

/** The sum of the same bytes with `zeros` zero bytes behind them; `zeros` is a whole number from 0. */
export function shiftCrc(sum: number, zeros: number): number {
  if (sum === 0) return 0;
  let shifted = sum;
  let left = zeros;
  for (let k = 0; left > 0; k++) {
    if (left % 2 === 1) shifted = times(shifts[k] ?? 0, shifted);
    left = Math.floor(left / 2);
  }
  return shifted >>> 0;
}

/** CRC-32C as PostgreSQL stores it, of a file of so many bytes whose shifted sums of parts XOR to `sum`. */
export const finishCrc = (sum: number, bytes: number): number => ~(sum ^ shiftCrc(0xffffffff, bytes)) >>> 0;
