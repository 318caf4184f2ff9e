import { existsSync, statSync } from 'node:fs';
import { linkedPlaces } from '#agent/datadir/linked-directories.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { isHidden, liesWithin } from '#agent/ground/nested.ts';
import { ownPlaces } from '#agent/ground/own-places.ts';

/**
 * Why a directory is the same instance as another one, by whatever path that is spelled (a link, a bind mount): device and inode, or one
 * server process for both. Undefined when they are apart, or nothing stands at `other`.
 */
export function sharedWith(directory: string, other: string): string | undefined {
  if (!existsSync(other) || !existsSync(directory)) return undefined;
  const [a, b] = [statSync(directory, { bigint: true }), statSync(other, { bigint: true })];
  if (a.dev === b.dev && a.ino === b.ino) return `${directory} is the same directory as ${other}`;
  const [mine, theirs] = [readPidFile(directory)?.pid, readPidFile(other)?.pid];
  return mine !== undefined && mine !== 0 && mine === theirs
    ? `${directory} and ${other} are served by the same process ${String(mine)}`
    : undefined;
}

/**
 * Why one of the directories of an instance holds something of another instance, or lies inside something of it, by whatever names: its data
 * directory, its tablespaces, and what of it lies elsewhere by links. Undefined when they are apart.
 */
export function nestedWith(directories: readonly string[], other: string): string | undefined {
  for (const place of [other, ...placesOf(other)]) {
    const whose = place === other ? 'a data directory of another instance' : `of the instance in ${other}`;
    for (const directory of directories) {
      if (liesWithin(place, directory)) return `${place}, ${whose}, lies inside ${directory}`;
      if (liesWithin(directory, place)) return `${directory} lies inside ${place}, ${whose}`;
    }
  }
  return undefined;
}

/** Of an instance that is not there, or that this account may not read, its directory alone counts. */
function placesOf(other: string): readonly string[] {
  try {
    return [...ownPlaces(other), ...linkedPlaces(other)];
  } catch (error) {
    if (isHidden(error)) return [];
    throw error;
  }
}
