import { existsSync, statSync } from 'node:fs';
import { readPidFile } from '#agent/datadir/reader.ts';

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
