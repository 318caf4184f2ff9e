import { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs';

/** errno name of a file system error, or code of whatever else carries one as text; '' for anything else. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Makes the names in a directory durable: those made or removed in it last. */
export function syncDirectory(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Text of a file; undefined when it is not there, has just gone (below /proc), or is not ours to read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES'].includes(codeOf(error))) return undefined;
    throw error;
  }
}
