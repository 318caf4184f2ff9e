import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { refuseUsedGround } from '#agent/datadir/writer-ground.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, isAbsent, refuseClosedParents, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';

/** What a directory for log is judged by. */
export interface LogGround {
  readonly owner: FileOwner;
  /** What will be written. */
  readonly bytes: number;
  /** Canonical directories in which instances of this host keep log. */
  readonly logDirectories: readonly string[];
}

/**
 * Refuses a directory that log shall not be fetched into, before anything is touched; `path` is canonical. Throws
 * `target_not_empty`, `place_in_use`, `target_unwritable`, `space_too_little`.
 */
export function refusePlace(path: string, { owner, bytes, logDirectories }: LogGround): void {
  refuseTaken(path, logDirectories);
  refuseUnwritable(path, owner);
  refuseTooLittleSpace([{ path, bytes }]);
}

/** Refuses what is not an empty or absent directory of its own. Throws `target_not_empty`, `place_in_use`. */
export function refuseTaken(path: string, logDirectories: readonly string[]): void {
  refuseNotEmpty(path);
  refuseUsedGround(path, logDirectories);
}

/** Refuses what the agent may not write, or the owner of the files not reach. Throws `target_unwritable`. */
export function refuseUnwritable(path: string, owner: FileOwner): void {
  refuseClosedParents(path, owner);
  try {
    accessSync(nearestExisting(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** The directory with its links resolved. Throws `target_unwritable` for a path that leads through a file. */
export function logPathOf(directory: string): string {
  try {
    return canonicalPath(directory);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

const nearestExisting = (path: string): string => (isAbsent(path) ? nearestExisting(dirname(path)) : path);
