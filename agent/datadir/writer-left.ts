import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from '#agent/file-system.ts';

/** Marks a data directory that a delta restore left partly written over: nothing in it is worth keeping any more. */
const leftName = '.holdfast-overwritten';

/** Durable when it returns. It goes with the first restore that gets through: it is no file of a set. */
export function markLeft(directory: string): void {
  if (!existsSync(directory)) return;
  const file = openSync(join(directory, leftName), 'w', 0o600);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(directory);
}

/** True when a delta restore of this product left it so. */
export const isLeft = (directory: string): boolean => existsSync(join(directory, leftName));
