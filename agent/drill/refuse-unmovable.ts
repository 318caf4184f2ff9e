import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { mountPoints } from '#agent/ground/mounts.ts';

/**
 * Refuses a directory that could not be moved aside within its parent and removed there, while nothing of it is touched: a mount point or
 * one with mount points below it (bind mounts, too), another file system than its parent, a parent that may not be written.
 * `spaces`: the directory beside it that goes with it. Throws `drill_target_unmovable`.
 */
export function refuseUnmovable(directory: string, spaces: string): void {
  const why = [directory, spaces].flatMap((path) => reasonAgainst(path) ?? [])[0];
  if (why !== undefined) throw fail('drill_target_unmovable', { directory, why });
}

function reasonAgainst(path: string): string | undefined {
  const mounted = mountPoints().find((point) => point === path || point.startsWith(`${path}/`));
  if (mounted !== undefined) return `${mounted} is a mount point`;
  const parent = dirname(path);
  if (!isAbsent(path) && statSync(path).dev !== statSync(parent).dev)
    return `${path} is on another file system than ${parent}`;
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `the agent may not rename in ${parent} (${error instanceof Error ? error.message : String(error)})`;
  }
}
