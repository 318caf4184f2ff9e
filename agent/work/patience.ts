import type { Clock } from '#core/ports/clock.ts';
import type { Progress } from '#core/run/progress.ts';

/**
 * How long a job bears outside trouble (pool away, server restarting): as long as the reconnect time (K-084, minutes),
 * counted from the first failure after the last progress. Inside it nothing is failed.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #ms: number;
  #since: number | undefined;
  #most = -1;

  constructor(clock: Clock, minutes: number) {
    this.#clock = clock;
    this.#ms = minutes * 60_000;
  }

  /** Bytes acknowledged beyond the most so far are progress: the count begins anew. */
  sees({ bytesWritten }: Progress): void {
    if (bytesWritten <= this.#most) return;
    this.#most = bytesWritten;
    this.#since = undefined;
  }

  fails(): void {
    this.#since ??= this.#clock.nowMs();
  }

  isOver(): boolean {
    return this.#since !== undefined && this.#clock.nowMs() - this.#since >= this.#ms;
  }
}
