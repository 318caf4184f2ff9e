import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { SharedCells } from './shared-control.ts';
import { cell, rateOf, shouldStop } from './shared-control.ts';

/** Unused time that a limit may catch up with: short, so that any 10 s stay within 5 % of the setting. */
const burstUs = 50_000n;
/** A request is spent in slices of this much time, so that a new rate or a stop is seen soon. */
const sliceSeconds = 0.05;

const nowUs = (): bigint => process.hrtime.bigint() / 1000n;

/** Spends `us` microseconds of a limit that all threads share and tells when the spender may go on. */
function reserve(cells: SharedCells, spentToCell: number, us: bigint): bigint {
  for (;;) {
    const spentTo = Atomics.load(cells, spentToCell);
    const earliest = nowUs() - burstUs;
    const from = spentTo > earliest ? spentTo : earliest;
    if (Atomics.compareExchange(cells, spentToCell, spentTo, from + us) === spentTo) return from + us;
  }
}

async function spend(cells: SharedCells, at: { rate: number; spentTo: number }, bytes: number): Promise<void> {
  for (let left = bytes; left > 0;) {
    if (shouldStop(cells)) throw fail('cancelled', { what: 'the copy' });
    const rate = rateOf(cells, at.rate);
    if (rate === 0) return;
    const slice = Math.min(left, Math.max(1, Math.floor(rate * sliceSeconds)));
    const readyAt = reserve(cells, at.spentTo, BigInt(Math.ceil((slice * 1e6) / rate)));
    const waitMs = Number(readyAt - nowUs()) / 1000;
    if (waitMs >= 1) await pause(waitMs);
    left -= slice;
  }
}

/** A limit in bytes per second over all threads of a copy (K-085, K-086). */
export interface Pace {
  /** Undefined = go on at once; otherwise wait for it. Rejects with `cancelled` when the copy is stopped. */
  take(bytes: number): Promise<void> | undefined;
}

const paceOf = (cells: SharedCells, at: { rate: number; spentTo: number }): Pace => ({
  take: (bytes) => (rateOf(cells, at.rate) === 0 ? undefined : spend(cells, at, bytes)),
});

export const diskPace = (cells: SharedCells): Pace => paceOf(cells, { rate: cell.diskRate, spentTo: cell.diskSpentTo });
export const transferPace = (cells: SharedCells): Pace =>
  paceOf(cells, { rate: cell.transferRate, spentTo: cell.transferSpentTo });
