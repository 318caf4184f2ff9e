import { accessSync, closeSync, constants, existsSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';

/**
 * The directory an archive_command writes into, when the command names it as `…/%f`; undefined when it does not (a
 * script): the operator then names it in the job (K-082).
 */
export function archiveDirectoryOf(archiveCommand: string): string | undefined {
  const m = /(?:"(\/[^"]*)\/%f"|'(\/[^']*)\/%f'|(\/[^\s'"=;]*)\/"?%f"?)/.exec(archiveCommand);
  return [m?.[1], m?.[2], m?.[3]].find((directory) => directory !== undefined);
}

/** pgBackRest and sys_rman, which descends from it, keep this file above the log that they stored. */
const markOfRepository = 'archive.info';

/** Path of the mark at or above a directory, which says that another tool owns what lies there. */
function repositoryMark(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const mark = join(at, markOfRepository);
    if (existsSync(mark)) return mark;
    if (at === dirname(at)) return undefined;
  }
}

/**
 * Undefined when the directory can be used; else `archive_directory_missing`, `archive_directory_unreadable`, or
 * `archive_of_other_tool`: nothing may be read from there as log, and nothing deleted (K-080).
 */
export function archiveDirectoryProblem(directory: string, instance: string): HoldfastError | undefined {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) return fail('archive_directory_missing', { directory, instance });
  const mark = repositoryMark(directory);
  if (mark !== undefined) return fail('archive_of_other_tool', { directory, instance, mark });
  if (!stats.isDirectory()) return fail('archive_directory_unreadable', { directory, why: 'it is no directory' });
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (cause) {
    return fail(
      'archive_directory_unreadable',
      { directory, why: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}

/**
 * Another cluster's log in the directory, told by the system identifier in the first page of the newest segment.
 * Undefined when it is ours, unreadable as log, or the directory is empty.
 */
export function foreignLogIn(directory: string, systemId: string): HoldfastError | undefined {
  const [newest] = readdirSync(directory).filter(isSegmentName).sort().reverse();
  if (newest === undefined) return undefined;
  const path = join(directory, newest);
  let found: string | undefined;
  try {
    found = systemIdOf(path);
  } catch (cause) {
    return fail(
      'archive_directory_unreadable',
      { directory, why: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
  return found === undefined || found === systemId
    ? undefined
    : fail('log_foreign', { file: path, found, expected: systemId });
}

/** `XLogLongPageHeaderData`: magic, flags (2 = long header), …, system identifier at 24. */
function systemIdOf(path: string): string | undefined {
  const header = Buffer.alloc(32);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  const isLongHeader = header[1] === 0xd1 && ((header[2] ?? 0) & 2) === 2;
  return isLongHeader ? header.readBigUInt64LE(24).toString() : undefined;
}
