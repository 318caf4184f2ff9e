import type { ObjectStore } from '#core/ports/object-store.ts';

/** Puts between two early barriers. */
const putsBetween = 8;

/**
 * Brings what was put to stable storage while more is made ready, so that the barrier before a commit finds little left. A
 * failed one is final for its objects (agent/pools/undurable.ts): nothing may be committed after it.
 */
export class EarlyBarrier {
  readonly #store: Pick<ObjectStore, 'barrier'>;
  #puts = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: Pick<ObjectStore, 'barrier'>) {
    this.#store = store;
  }

  /** An object was put. */
  put(): void {
    if (++this.#puts < putsBetween || this.#running !== undefined) return;
    this.#puts = 0;
    this.#running = this.#store
      .barrier()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Throws what any that has ended threw: what comes after it can never be committed. */
  demandNone(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits for the one that runs, whatever becomes of it: afterwards the store may be closed. */
  async close(): Promise<void> {
    await this.#running;
  }

  /** Waits for the one that runs. Throws what any of them threw, each time. */
  async settle(): Promise<void> {
    await this.#running;
    this.demandNone();
  }
}
