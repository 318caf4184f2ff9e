import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwritable } from '#agent/datadir/writer-errors.ts';

/** Doors of one agent begin alike: its home, which one process has at a time, is in their names. A socket's path must stay short. */
const beginningOf = (home: string): string =>
  `holdfast-door-${createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 8)}-`;

/** A directory that only this account may enter, for one socket. Throws what `unwritable` makes of a full or closed place. */
export function makeDoorFolder(home: string): string {
  try {
    return mkdtempSync(join(tmpdir(), beginningOf(home)));
  } catch (error) {
    throw unwritable(tmpdir(), error);
  }
}

/**
 * Removes doors that a killed agent of this home left: directories of this account that nobody else may enter and in which nothing but
 * sockets lies. Everything else is left alone. Only for whoever has the lock of the home. Answers what was removed.
 */
export function sweepDoors(home: string): readonly string[] {
  const beginning = beginningOf(home);
  const found = readdirSync(tmpdir()).filter((name) => name.startsWith(beginning));
  return found.map((name) => join(tmpdir(), name)).filter(removeDoor);
}

function removeDoor(folder: string): boolean {
  const stands = lstatSync(folder);
  const isOurs = stands.isDirectory() && stands.uid === process.getuid?.() && (stands.mode & 0o077) === 0;
  if (!isOurs) return false;
  const inside = readdirSync(folder).map((name) => join(folder, name));
  if (!inside.every((path) => lstatSync(path).isSocket())) return false;
  for (const path of inside) unlinkSync(path);
  rmdirSync(folder);
  return true;
}
