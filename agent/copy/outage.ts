import type { Patience } from '#agent/pools/retry.ts';
import { minutesText } from '#agent/pools/retry.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { SharedCells } from './threads/shared-control.ts';
import { cell, shouldStop } from './threads/shared-control.ts';

/** K-084: a thread waits for a pool that went away until it is told to stop, and counts the outage for the log of the run. */
export function patienceOfThread(cells: SharedCells, reconnectMs: number | undefined): Patience | undefined {
  if (reconnectMs === undefined) return undefined;
  return {
    ms: reconnectMs,
    shouldStop: () => shouldStop(cells),
    onAway: () => {
      Atomics.add(cells, cell.outages, 1n);
    },
  };
}

/** Tells the log of a run when threads begin to wait for its pool; `look` is called a few times a second. */
export class OutageWatch {
  readonly #cells: SharedCells;
  readonly #step: StepContext;
  readonly #pool: string;
  #told = 0n;

  constructor(cells: SharedCells, step: StepContext, pool: string) {
    this.#cells = cells;
    this.#step = step;
    this.#pool = pool;
  }

  look(): void {
    const outages = Atomics.load(this.#cells, cell.outages);
    if (outages === this.#told) return;
    this.#told = outages;
    const { reconnectMs = 0 } = this.#step;
    const message = `pool ${this.#pool} does not answer; waiting for it, ${minutesText(reconnectMs)} min at most`;
    this.#step.log({ level: 'warn', message });
  }
}
