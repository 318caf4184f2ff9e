import { dirname } from 'node:path';

/**
 * Which directories of a pool a barrier must sync. The one that got or lost a name, always; those above it only until a barrier of this
 * handle has brought the names of the way down to stable storage: each sync is a flush of the disk, and a piece needs one of
 * them, not one for each level. Nobody removes directories of a pool; one that had to be made again counts as new.
 */
export class DurableNames {
  readonly #root: string;
  /** Directories whose own name, and those of all above them, are on stable storage. */
  readonly #durable: Set<string>;
  /** How often a directory was made: what was made during a sync is not vouched for by it. */
  #made = 0;

  constructor(root: string) {
    this.#root = root;
    this.#durable = new Set([root]);
  }

  /** A directory was made, or was not known to be there. */
  make(directory: string): void {
    this.#made++;
    for (let at = directory; this.#isBelow(at); at = dirname(at)) this.#durable.delete(at);
  }

  /** Syncs what must be synced so that the names of `paths` are durable, or their absence; deepest first. */
  async settle(paths: readonly string[], sync: (directories: readonly string[]) => Promise<void>): Promise<void> {
    const made = this.#made;
    const directories = new Set<string>();
    const named: string[] = [];
    for (const path of paths) {
      let at = dirname(path);
      directories.add(at);
      for (; !this.#durable.has(at) && this.#isBelow(at); at = dirname(at)) {
        named.push(at);
        directories.add(dirname(at));
      }
    }
    await sync([...directories].sort((a, b) => b.length - a.length));
    if (made === this.#made) for (const directory of named) this.#durable.add(directory);
  }

  #isBelow(directory: string): boolean {
    return directory.length > this.#root.length;
  }
}
