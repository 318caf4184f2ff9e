import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { SharedCells } from './threads/shared-control.ts';
import { cell, isPaused, rateOf, shouldStop } from './threads/shared-control.ts';

/** Unused time that a limit may catch up with: short, so that any 10 s stay within 5 % of the setting. */
const burstUs = 50_000n;
/** A request is spent in slices of this much time, so that a new rate or a stop is seen soon. */
const sliceSeconds = 0.05;
/** A paused spender looks this often whether it may go on. */
const lookEveryMs = 50;
/** A slow limit makes a slice wait long: it looks up this often all the same. */
const longestSleepMs = 250;

/** Time as the threads of a copy share it: microseconds that only grow, the same in each of them. */
export interface PaceTime {
  nowUs(): bigint;
  sleep(ms: number): Promise<void>;
}

const realTime: PaceTime = {
  nowUs: () => process.hrtime.bigint() / 1000n,
  sleep: async (ms) => {
    await sleep(ms);
  },
};

interface Spender {
  readonly cells: SharedCells;
  /** Its cells: bytes per second, and the time up to which they are spent. */
  readonly rate: number;
  readonly spentTo: number;
  readonly time: PaceTime;
}

/** Spends `us` microseconds of a limit that all threads share and tells when the spender may go on. */
function reserve({ cells, spentTo: at, time }: Spender, us: bigint): bigint {
  for (;;) {
    const spentTo = Atomics.load(cells, at);
    const earliest = time.nowUs() - burstUs;
    const from = spentTo > earliest ? spentTo : earliest;
    if (Atomics.compareExchange(cells, at, spentTo, from + us) === spentTo) return from + us;
  }
}

function refuseStopped({ cells }: Spender): void {
  if (shouldStop(cells)) throw fail('cancelled', { what: 'the copy' });
}

async function whilePaused(spender: Spender): Promise<void> {
  refuseStopped(spender);
  while (isPaused(spender.cells)) {
    await spender.time.sleep(lookEveryMs);
    refuseStopped(spender);
  }
}

/** Waits for a moment that was reserved under `rate`; when the rate changes meanwhile, what is left counts for nothing. */
async function waitUntil(spender: Spender, readyAt: bigint, rate: number): Promise<void> {
  for (;;) {
    const waitMs = Number(readyAt - spender.time.nowUs()) / 1000;
    if (waitMs < 1) return;
    await spender.time.sleep(Math.min(waitMs, longestSleepMs));
    refuseStopped(spender);
    if (rateOf(spender.cells, spender.rate) === rate) continue;
    // Time that was reserved at the old rate would make the new one late.
    Atomics.store(spender.cells, spender.spentTo, spender.time.nowUs());
    return;
  }
}

async function spend(spender: Spender, bytes: number): Promise<void> {
  for (let left = bytes; left > 0;) {
    await whilePaused(spender);
    const rate = rateOf(spender.cells, spender.rate);
    if (rate === 0) return;
    const slice = Math.min(left, Math.max(1, Math.floor(rate * sliceSeconds)));
    await waitUntil(spender, reserve(spender, BigInt(Math.ceil((slice * 1e6) / rate))), rate);
    left -= slice;
  }
}

/** A limit in bytes per second over all threads of a copy (K-085, K-086). */
export interface Pace {
  /** Undefined = go on at once; otherwise wait for it. Rejects with `cancelled` when the copy is stopped. */
  take(bytes: number): Promise<void> | undefined;
}

const paceOf = (spender: Spender): Pace => ({
  take: (bytes) =>
    rateOf(spender.cells, spender.rate) === 0 && !isPaused(spender.cells) ? undefined : spend(spender, bytes),
});

export const diskPace = (cells: SharedCells, time: PaceTime = realTime): Pace =>
  paceOf({ cells, rate: cell.diskRate, spentTo: cell.diskSpentTo, time });
export const transferPace = (cells: SharedCells, time: PaceTime = realTime): Pace =>
  paceOf({ cells, rate: cell.transferRate, spentTo: cell.transferSpentTo, time });
