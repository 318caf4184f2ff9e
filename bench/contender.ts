import { lstatSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** One side of the comparison. Every call is timed by the contender itself, from the command to its exit. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** What was asked of it, for the reader of the table. */
  readonly options: string;
  /** Takes a full backup of the cluster. */
  full(round: number): Promise<Measured>;
  /** Restores the files of its latest backup to a new directory; undefined when it has no such command. */
  readonly restore?: (round: number) => Promise<Measured>;
}

export interface Measured {
  readonly ms: number;
  /** Bytes the backup takes in its repository (full only). */
  readonly storedBytes?: number;
  /** Peak of resident memory, all processes of the contender together. */
  readonly rssMiB?: number | undefined;
}

/** Bytes of all files below a directory. */
export function bytesBelow(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0);
}

/**
 * Frees the space of a restored directory and keeps its files: ext4 without a journal does not use the inodes of deleted
 * files again for a minute, and looking for others would slow down whoever restores next.
 */
export function emptyFiles(directory: string): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name));
  }
}
