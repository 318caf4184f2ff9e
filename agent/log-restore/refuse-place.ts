import { refuseUsedGround } from '#agent/datadir/writer-ground.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { refuseClosedParents, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
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
  refuseNotEmpty(path);
  refuseUsedGround(path, logDirectories);
  refuseClosedParents(path, owner);
  refuseTooLittleSpace([{ path, bytes }]);
}
