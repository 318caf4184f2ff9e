import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { StepContext } from '#core/ports/step.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';
import { archiveUnreadable } from './archive-folder.ts';

const atOnce = 100;

/**
 * Removes files of one directory and makes that durable; waits before each portion while the step is paused. A file that is gone already
 * is fine. Throws `cancelled` between two portions, `archive_directory_unreadable`.
 */
export async function removeArchived(
  directory: string,
  names: readonly string[],
  step: Pick<StepContext, 'signal' | 'limits'>,
): Promise<void> {
  for (let at = 0; at < names.length; at += atOnce) {
    // Why: removing blocks the process, which hears of a pause or a cancel in between only.
    await setImmediate();
    await demandGoing(step);
    for (const name of names.slice(at, at + atOnce)) removeFile(join(directory, name));
    syncDirectory(directory);
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw archiveUnreadable(path, error);
  }
}
