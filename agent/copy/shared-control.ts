/**
 * What all threads of one copy share: a few 64-bit cells that each side reads and changes atomically. No page byte and no
 * message passes here.
 */
export type SharedCells = BigInt64Array<SharedArrayBuffer>;

export const cell = {
  /** 1 = stop as soon as possible. */
  stop: 0,
  bytesRead: 1,
  /** Number of the next piece of this attempt, from 1. */
  nextPiece: 2,
  /** Bytes per second, 0 = unlimited; then the time in µs up to which the rate is spent (K-086). */
  diskRate: 3,
  diskSpentTo: 4,
  /** The same for bytes to the pool (K-085). */
  transferRate: 5,
  transferSpentTo: 6,
} as const;

export function newSharedCells(): SharedCells {
  const cells: SharedCells = new BigInt64Array(new SharedArrayBuffer(8 * Object.keys(cell).length));
  Atomics.store(cells, cell.nextPiece, 1n);
  return cells;
}

export const shouldStop = (cells: SharedCells): boolean => Atomics.load(cells, cell.stop) !== 0n;
export const rateOf = (cells: SharedCells, rateCell: number): number => Number(Atomics.load(cells, rateCell));
