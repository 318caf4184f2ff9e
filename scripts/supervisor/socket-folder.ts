import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { giveToUnprivileged, unprivilegedUser } from './unprivileged.ts';

/** A Unix socket path may have about 107 bytes; 90 leave room for the names PostgreSQL adds (build.md "Ports"). */
const longest = 90;
const socketName = '/.s.PGSQL.65535';
const nameLength = 12;

const fits = (folder: string): boolean => Buffer.byteLength(folder + socketName) <= longest;

/** The same short folder for the same long one, in the temporary folder of the machine. */
const shortFolder = (folder: string): string => {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, nameLength);
  return join('/tmp', `holdfast-${String(process.getuid?.() ?? 0)}-${name}`);
};

/**
 * A folder for the sockets of a server: `folder` itself, or a short one when that is too long. Fails when somebody else
 * owns the short one.
 */
export const provideSocketFolder = (folder: string): string => {
  const chosen = fits(folder) ? folder : shortFolder(folder);
  mkdirSync(chosen, { recursive: true, mode: 0o700 });
  const info = lstatSync(chosen);
  const ours = [process.getuid?.(), unprivilegedUser()?.uid];
  if (!info.isDirectory() || !ours.includes(info.uid)) {
    throw fail('socket_path_long', { folder, length: String(Buffer.byteLength(folder + socketName)) });
  }
  giveToUnprivileged(chosen);
  return chosen;
};
