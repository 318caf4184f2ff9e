import type { Clock } from '#core/ports/clock.ts';

/** Wall time by phase, for the report of a restore. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #seconds: Record<string, number> = {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async time<T>(phase: string, work: () => Promise<T> | T): Promise<T> {
    const from = this.#clock.nowMs();
    try {
      return await work();
    } finally {
      this.#seconds[phase] = (this.#seconds[phase] ?? 0) + (this.#clock.nowMs() - from) / 1000;
    }
  }

  secondsByPhase(): Readonly<Record<string, number>> {
    return { ...this.#seconds };
  }
}
