import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Pace, PaceTime } from './pace.ts';
import { diskPace, transferPace } from './pace.ts';
import type { SharedCells } from './threads/shared-control.ts';
import { applyRates, cell, newSharedCells } from './threads/shared-control.ts';

const mebi = 1_048_576;

/** Time that passes only when everybody sleeps: a pace is judged to the microsecond, and no test waits. */
class TestTime implements PaceTime {
  us = 5_000_000n;
  #sleepers: { readonly at: bigint; readonly wake: () => void }[] = [];

  nowUs(): bigint {
    return this.us;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ at: this.us + BigInt(Math.ceil(ms * 1000)), wake }));
  }

  /** Lets time pass until it is over or nobody sleeps. */
  async pass(seconds: number): Promise<void> {
    const end = this.us + BigInt(Math.round(seconds * 1e6));
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#sleepers.toSorted((a, b) => Number(a.at - b.at))[0];
      if (next === undefined || next.at > end) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.us = next.at;
      next.wake();
    }
    this.us = end;
  }
}

interface Spending {
  readonly time: TestTime;
  readonly cells: SharedCells;
  /** Bytes that passed so far, over all spenders. */
  readonly passed: () => number;
}

/** Threads that take one request after another for ever. */
function spenders(count: number, bytes: number, paceOf: (cells: SharedCells, time: PaceTime) => Pace): Spending {
  const time = new TestTime();
  const cells = newSharedCells();
  let passed = 0;
  const work = async (): Promise<void> => {
    const pace = paceOf(cells, time);
    for (;;) {
      await (pace.take(bytes) ?? time.sleep(1));
      passed += bytes;
    }
  };
  for (let i = 0; i < count; i++) work().catch(() => undefined);
  return { time, cells, passed: () => passed };
}

test.each([
  ['K-086 disk', diskPace, 'diskBytesPerSecond'],
  ['K-085 transfer', transferPace, 'transferBytesPerSecond'],
] as const)(
  '%s: any number of channels share a limit and keep within 5 % of it over 10 s',
  async (_name, pace, rate) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 64 * 1024, max: mebi }),
        fc.integer({ min: 10, max: 400 }),
        async (count, bytes, mebibytes) => {
          const { time, cells, passed } = spenders(count, bytes, pace);
          applyRates(cells, { [rate]: mebibytes * mebi });
          await time.pass(1);
          const before = passed();
          await time.pass(10);
          Atomics.store(cells, cell.stop, 1n);
          // What is under way, one request a channel, may count on either side.
          const error = Math.abs(passed() - before - 10 * mebibytes * mebi);
          expect(error).toBeLessThan(0.5 * mebibytes * mebi + count * bytes);
        },
      ),
      { numRuns: 6 },
    );
  },
);

test('K-085 a new limit is felt within 2 s, however slow the old one was', async () => {
  const { time, cells, passed } = spenders(4, mebi, transferPace);
  applyRates(cells, { transferBytesPerSecond: 1024 });
  await time.pass(1);
  const atFirst = passed();
  await time.pass(60);
  expect(passed()).toBe(atFirst);
  applyRates(cells, { transferBytesPerSecond: 40 * mebi });
  await time.pass(2);
  expect(passed() - atFirst).toBeGreaterThan(60 * mebi);
  applyRates(cells, {});
  await time.pass(1);
  const before = passed();
  await time.pass(1);
  expect(passed() - before).toBeGreaterThan(1000 * mebi);
});

test('a paused copy takes nothing more, limited or not, and goes on at its limit without catching up', async () => {
  const { time, cells, passed } = spenders(4, mebi, diskPace);
  await time.pass(1);
  applyRates(cells, { isPaused: true });
  await time.pass(0.1);
  const before = passed();
  await time.pass(600);
  expect(passed()).toBe(before);
  applyRates(cells, { diskBytesPerSecond: 10 * mebi });
  await time.pass(10);
  expect(Math.abs(passed() - before - 100 * mebi)).toBeLessThan(9 * mebi);
  applyRates(cells, { diskBytesPerSecond: 10 * mebi, isPaused: true });
  await time.pass(1);
  const held = passed();
  await time.pass(100);
  expect(passed()).toBe(held);
});

test('a stop ends who waits, paused or limited', async () => {
  for (const rates of [{ isPaused: true }, { transferBytesPerSecond: 1024 }]) {
    const time = new TestTime();
    const cells = newSharedCells();
    applyRates(cells, rates);
    const taken = transferPace(cells, time).take(mebi);
    await time.pass(1);
    Atomics.store(cells, cell.stop, 1n);
    const refused = expect(taken).rejects.toMatchObject({ code: 'cancelled' });
    await time.pass(1);
    await refused;
  }
});
