import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepContext } from '#core/ports/step.ts';
import { codeOf } from '#agent/file-system.ts';
import type { LocalGround } from './local-paths.ts';
import { temporaryPrefix } from './local-paths.ts';
import { demandGoing } from './while-paused.ts';

/** Where objects lie, below the directory of a pool. Others' directories (`lost+found`, snapshots) are not entered. */
const folders = ['sets', 'logs', 'logical', 'marks', 'keys', 'probes'] as const;

export interface OldTemporaries {
  /** Milliseconds since 1970; what changed at or after it stays: its writer may be at work. */
  readonly beforeMs: number;
  readonly isDryRun: boolean;
  readonly step: Pick<StepContext, 'signal' | 'limits'>;
}

/** Finds, and unless it is a dry run removes, files that a writer which was killed left half written. They were never objects. */
export async function collectTemporaries(
  ground: LocalGround,
  { beforeMs, isDryRun, step }: OldTemporaries,
): Promise<{ readonly objects: number; readonly bytes: number }> {
  let objects = 0;
  let bytes = 0;
  for await (const path of temporariesOf(ground)) {
    await demandGoing(step);
    const found = await orGone(lstat(path));
    if (found?.isFile() !== true || found.mtimeMs >= beforeMs) continue;
    if (!isDryRun) await orGone(unlink(path));
    objects += 1;
    bytes += found.size;
  }
  return { objects, bytes };
}

async function* temporariesOf({ directory }: LocalGround): AsyncIterable<string> {
  for (const name of (await orGone(readdir(directory))) ?? [])
    if (name.startsWith(temporaryPrefix)) yield join(directory, name);
  for (const folder of folders) yield* temporariesBelow(join(directory, folder));
}

async function* temporariesBelow(directory: string): AsyncIterable<string> {
  for (const entry of (await orGone(readdir(directory, { withFileTypes: true }))) ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* temporariesBelow(path);
    else if (entry.name.startsWith(temporaryPrefix)) yield path;
  }
}

/** A writer that ends takes its file away, a deletion its directory: neither is a failure. */
async function orGone<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
