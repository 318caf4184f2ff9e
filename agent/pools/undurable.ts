import { unlinkSync } from 'node:fs';

/** What a barrier has to bring to stable storage. */
export interface ToSettle {
  readonly files: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Changes of a directory that are not durable yet. Linux tells of a failed write-back once; after that the pages count as
 * clean, a second fsync succeeds and reads are answered from memory. So a failed barrier is final for its files: what was
 * made here is taken away again, and no later barrier of this handle vouches for any of them.
 */
export class Undurable {
  /** Paths with the number of their last change. */
  readonly #written = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #created = new Set<string>();
  /** Files of failed barriers, and why they failed. */
  readonly #lost = new Map<string, unknown>();
  #changes = 0;

  /** An existing object may have been put by a process that died before its barrier: it is synced too. */
  put(path: string, outcome: 'created' | 'exists'): void {
    this.#written.set(path, ++this.#changes);
    if (outcome === 'exists') return;
    this.#created.add(path);
    this.#lost.delete(path);
  }

  remove(path: string): void {
    this.#written.delete(path);
    this.#created.delete(path);
    this.#removed.set(path, ++this.#changes);
  }

  /** Syncs every change and the files `also`. Throws what `sync` throws, and again whenever one of its files is named. */
  async settle(also: readonly string[], sync: (what: ToSettle) => Promise<void>): Promise<void> {
    // Forgotten only after the sync, so that a barrier of somebody else at the same time syncs them too; what is put or
    // removed again meanwhile has another number and belongs to the next barrier.
    const puts = [...this.#written];
    const gone = [...this.#removed];
    const files = [...new Set([...puts.map(([path]) => path), ...also])];
    this.#demandKept(files);
    try {
      await sync({ files, removed: gone.map(([path]) => path) });
    } catch (error) {
      for (const path of files) if (!this.#isNewer(path, puts)) this.#lose(path, error);
      throw error;
    }
    this.#demandKept(files);
    for (const [path, change] of puts) if (this.#written.get(path) === change) this.#forget(path);
    for (const [path, change] of gone) if (this.#removed.get(path) === change) this.#removed.delete(path);
  }

  #demandKept(files: readonly string[]): void {
    for (const path of files) if (this.#lost.has(path)) throw this.#lost.get(path);
  }

  /** Put again while a barrier ran. */
  #isNewer(path: string, puts: readonly (readonly [string, number])[]): boolean {
    const now = this.#written.get(path);
    return now !== undefined && !puts.some(([each, change]) => each === path && change === now);
  }

  #forget(path: string): void {
    this.#written.delete(path);
    this.#created.delete(path);
  }

  #lose(path: string, why: unknown): void {
    const isOurs = this.#created.has(path);
    this.#forget(path);
    this.#lost.set(path, why);
    if (!isOurs) return;
    try {
      unlinkSync(path);
    } catch {
      // The file system refuses everything by now: the failure of the barrier says why, and `secure` is for what stays.
    }
  }
}
