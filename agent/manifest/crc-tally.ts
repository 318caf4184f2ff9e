import { shiftCrc } from '#core/restore/crc-sum.ts';

/** Where bytes stand in a file. */
export interface PlaceInFile {
  /** Its number, by which those who add up know it. */
  readonly file: number;
  /** Offset of the first byte. */
  readonly at: number;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
}

/** Adds up CRC-32C sums of the bytes of files, in any order, each byte once. Zeros need not be added. */
export class CrcTally {
  #sums = new Map<number, number>();

  /** `sum` is that of `length` bytes, begun with 0 and not complemented. */
  add({ file, at, fileBytes }: PlaceInFile, length: number, sum: number): void {
    const shifted = shiftCrc(sum, fileBytes - at - length);
    this.#sums.set(file, (this.#sums.get(file) ?? 0) ^ shifted);
  }

  /** What was added since the last call, by number of the file. */
  take(): ReadonlyMap<number, number> {
    const taken = this.#sums;
    this.#sums = new Map();
    return taken;
  }
}

/** Adds sums of a part of the work to those of all. */
export function addSums(all: Int32Array, part: ReadonlyMap<number, number>): void {
  for (const [file, sum] of part) all[file] = (all[file] ?? 0) ^ sum;
}
