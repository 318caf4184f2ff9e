import { shiftCrc } from '#core/restore/crc-sum.ts';

/** Where bytes stand in a file. */
export interface PlaceInFile {
  readonly path: string;
  /** Offset of the first byte. */
  readonly at: number;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
}

/** Adds up CRC-32C sums of the bytes of files, in any order, each byte once. Zeros need not be added. */
export class CrcTally {
  #sums = new Map<string, number>();

  /** `sum` is that of `length` bytes, begun with 0 and not complemented. */
  add({ path, at, fileBytes }: PlaceInFile, length: number, sum: number): void {
    const shifted = shiftCrc(sum, fileBytes - at - length);
    this.#sums.set(path, (this.#sums.get(path) ?? 0) ^ shifted);
  }

  /** What was added since the last call, by path. */
  take(): ReadonlyMap<string, number> {
    const taken = this.#sums;
    this.#sums = new Map();
    return taken;
  }
}

/** Adds sums of a part of the work to those of all. */
export function addSums(all: Map<string, number>, part: ReadonlyMap<string, number>): void {
  for (const [path, sum] of part) all.set(path, (all.get(path) ?? 0) ^ sum);
}
