import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { fail } from '#core/errors/fail.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import { codeOf } from '#agent/file-system.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

/** Longest path of a Unix socket that every system takes (sockaddr_un). */
const longestSocket = 100;

/**
 * Private directory for the socket of a server that only we shall reach: inside the data directory, or, where that path is
 * too long for a socket, in the temporary directory under the name of the run.
 */
export function socketOf(target: EmptyTarget, port: number): string {
  const inside = join(target.directory, '.holdfast-socket');
  if (join(inside, `${target.files.socketPrefix}${String(port)}`).length <= longestSocket) {
    target.makeDirectory(inside, 0o700);
    return inside;
  }
  const outside = join(tmpdir(), `holdfast-${target.runId.slice(-16)}`);
  makePrivate(outside, target.owner);
  return outside;
}

/**
 * Anybody may make a name in the temporary directory before us: only a directory that we or the owner made is used, and
 * only our own is handed over. Throws `target_unwritable`.
 */
function makePrivate(path: string, owner: FileOwner): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unwritable(path, error);
  }
  const stats = lstatSync(path);
  const { uid } = stats;
  const isPrivate = stats.isDirectory() && (stats.mode & 0o077) === 0;
  if (isPrivate && uid === owner.uid) return;
  if (!isPrivate || uid !== process.getuid?.())
    throw fail('target_unwritable', {
      path,
      reason: 'it is to hold the socket of the server, and somebody else made it',
    });
  chownSync(path, owner.uid, owner.gid);
}
