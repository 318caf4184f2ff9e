import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { refuseClosedParents } from '#agent/datadir/writer-paths.ts';

/**
 * Text of a configuration file that somebody chose, for a directory that belongs to `owner`: root must not hand that account what it
 * could not read itself. Judged is the file that was opened, where it really lies, so that no link can be exchanged in between; of
 * supplementary groups and access lists nothing is known. Throws `config_file_bad`.
 */
export function readAsOwner(path: string, owner: FileOwner): string {
  const bad = (reason: string, cause?: unknown): HoldfastError => fail('config_file_bad', { path, reason }, cause);
  try {
    // Why before opening: a pipe would be waited for, a device might answer to being opened.
    if (!statSync(path).isFile()) throw bad('it is no file');
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      refuseUnreadable(file, owner, bad);
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'config_file_bad') throw error;
    const said = error instanceof HoldfastError ? error.params['reason'] : undefined;
    throw bad(said ?? (error instanceof Error ? error.message : String(error)), error);
  }
}

function refuseUnreadable(file: number, owner: FileOwner, bad: (reason: string) => HoldfastError): void {
  const stats = fstatSync(file);
  if (!stats.isFile()) throw bad('it is no file');
  // An agent that is not root is the owner itself: opening was the proof.
  if (process.getuid?.() !== 0) return;
  const bit = stats.uid === owner.uid ? 0o400 : stats.gid === owner.gid ? 0o040 : 0o004;
  if ((stats.mode & bit) === 0)
    throw bad(`the account with uid ${String(owner.uid)}, which shall own the database, may not read it`);
  refuseClosedParents(readlinkSync(`/proc/self/fd/${String(file)}`), owner);
}
