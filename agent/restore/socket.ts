import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

/** Longest path of a Unix socket that every system takes (sockaddr_un). */
const longestSocket = 100;

/**
 * Private directory for the socket of a server that only we shall reach: inside the data directory, or, where that path is
 * too long for a socket, in the temporary directory under the name of the run.
 */
export function socketOf(target: EmptyTarget, port: number): string {
  const inside = join(target.directory, '.holdfast-socket');
  if (join(inside, `.s.PGSQL.${String(port)}`).length <= longestSocket) {
    target.makeDirectory(inside, 0o700);
    return inside;
  }
  const outside = join(tmpdir(), `holdfast-${target.runId.slice(-16)}`);
  mkdirSync(outside, { recursive: true, mode: 0o700 });
  chownSync(outside, target.owner.uid, target.owner.gid);
  chmodSync(outside, 0o700);
  return outside;
}
