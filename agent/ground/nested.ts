import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { codeOf } from '#agent/file-system.ts';
import { isBelow, placedAt } from './mounts.ts';

/**
 * True when a directory lies inside another one, by whatever names: by their canonical paths, by device and inode of every directory above
 * it, or by their places in one file system (bind mounts). Neither has to exist: it may lie on a disk that is not mounted just now.
 */
export function liesWithin(inner: string, outer: string): boolean {
  const [below, above] = [realOf(inner), realOf(outer)];
  if (isBelow(below, above) || hasAbove(below, above)) return true;
  const [mine, theirs] = [placedAt(below), placedAt(above)];
  return mine !== undefined && mine.device === theirs?.device && isBelow(mine.path, theirs.path);
}

/** A directory above one path is, by device and inode, the other. */
function hasAbove(below: string, above: string): boolean {
  const wanted = inodeOf(above);
  if (wanted === undefined) return false;
  for (let at = dirname(below); ; at = dirname(at)) {
    if (inodeOf(at) === wanted) return true;
    if (at === dirname(at)) return false;
  }
}

/** Undefined where nothing stands, or where this account may not look. */
function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev.toString()}:${ino.toString()}`;
  } catch (error) {
    if (isHidden(error)) return undefined;
    throw error;
  }
}

/** A path below a directory that this account may not enter is compared as it is written. */
function realOf(path: string): string {
  try {
    return canonicalPath(path);
  } catch (error) {
    if (isHidden(error)) return resolve(path);
    throw error;
  }
}

/** True for errors that say that nothing can be seen at a path. */
export const isHidden = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(codeOf(error));
