import { closeSync, fsyncSync, openSync } from 'node:fs';

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
