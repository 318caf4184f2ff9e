import { access, constants, lstat, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail } from '#core/errors/fail.ts';

/** A file that an option or an argument names. */
export interface TypedFile {
  /** As it is typed, e.g. `--out`. */
  readonly option: string;
  readonly file: string;
}

/** The text of the file. Throws `file_unreadable`. */
export async function readTypedFile({ option, file }: TypedFile): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw fail('file_unreadable', { option, file, why: whyOf(cause) }, cause);
  }
}

/** Refuses a file that cannot be made, before anything else is done. Throws `file_exists`, `file_not_made`. */
export async function demandNewFile({ option, file }: TypedFile): Promise<void> {
  if (await isThere(file)) throw fail('file_exists', { option, file });
  try {
    await access(dirname(file), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw fail('file_not_made', { option, file, why: whyOf(cause) }, cause);
  }
}

/** Writes a file that was not there; one that is there is never replaced. Throws `file_exists`, `file_not_made`. */
export async function writeNewFile({ option, file }: TypedFile, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx' });
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw fail('file_exists', { option, file }, cause);
    throw fail('file_not_made', { option, file, why: whyOf(cause) }, cause);
  }
}

const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the file system is full',
};

const whyOf = (cause: unknown): string => words[codeOf(cause)] ?? codeOf(cause);
