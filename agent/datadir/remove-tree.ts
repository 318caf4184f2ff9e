import { lstatSync, rmSync } from 'node:fs';
import { exec } from '#agent/exec.ts';

const longestMs = 3_600_000;

/**
 * Removes a directory with all that is in it and follows no link. Root leaves the work to the account that owns it: whoever changes names
 * in it meanwhile can lead the removal nowhere that he could not go himself. Nothing happens where nothing stands.
 */
export async function removeTree(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const isOfOther = process.getuid?.() === 0 && stats.uid !== 0;
  if (stats.isDirectory() && isOfOther)
    await exec({
      ...{ command: 'rm', args: ['-rf', '--one-file-system', '--', path], timeoutMs: longestMs },
      user: { uid: stats.uid, gid: stats.gid },
    });
  // What is left: the directory itself, in a parent of somebody else, and what the account may not remove.
  rmSync(path, { recursive: true, force: true });
}
