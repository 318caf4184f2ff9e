import type { RatesNow } from '#core/run/rate.ts';

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
  /** 1 = nothing is read, written or sent until it is 0 again. */
  paused: 7,
  /** How often a thread began to wait for a pool that went away. */
  outages: 8,
} as const;

export function newSharedCells(): SharedCells {
  const cells: SharedCells = new BigInt64Array(new SharedArrayBuffer(8 * Object.keys(cell).length));
  Atomics.store(cells, cell.nextPiece, 1n);
  return cells;
}

export const shouldStop = (cells: SharedCells): boolean => Atomics.load(cells, cell.stop) !== 0n;
export const isPaused = (cells: SharedCells): boolean => Atomics.load(cells, cell.paused) !== 0n;
export const rateOf = (cells: SharedCells, rateCell: number): number => Number(Atomics.load(cells, rateCell));

/** Tells all threads the rates in force and whether they are paused; to be repeated a few times a second. */
export function applyRates(cells: SharedCells, { diskBytesPerSecond, transferBytesPerSecond, ...now }: RatesNow): void {
  Atomics.store(cells, cell.diskRate, BigInt(Math.floor(diskBytesPerSecond ?? 0)));
  Atomics.store(cells, cell.transferRate, BigInt(Math.floor(transferBytesPerSecond ?? 0)));
  Atomics.store(cells, cell.paused, now.isPaused === true ? 1n : 0n);
}
