import { lstatSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What is timed: a full backup of the cluster; what changed since the contender's latest full; the files of its latest
 * backup, full or not, restored to a new directory; log stored in its repository.
 */
export type Work = 'full' | 'incremental' | 'restore' | 'log';

/** One side of a comparison; works it has no command for are absent. Each is timed by itself, from the command to its exit. */
export interface Contender extends Readonly<Partial<Record<Work, (round: number) => Promise<Measured>>>> {
  readonly name: string;
  readonly version: string;
  /** What was asked of it, for the reader of the table. */
  readonly options: string;
  /** What goes on beside the backups of a real installation, e.g. a log backup; not timed. */
  readonly keepUp?: () => Promise<void>;
}

export interface Measured {
  readonly ms: number;
  /** Of it the work itself, without what a program takes to start and to end: ours tells, an agent that runs pays no more. */
  readonly engineMs?: number;
  /** Bytes that a backup takes in its repository. */
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
