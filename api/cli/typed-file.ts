import { access, constants, lstat, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { refusalOf } from '#core/settings/request-error.ts';

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

/**
 * What a JSON file says, in the form that the shape takes. Throws `file_unreadable`, `file_malformed` with the place and the
 * reason; an empty file is malformed, too.
 */
export async function readTypedJson<T>({ option, file }: TypedFile, shape: z.ZodType<T>): Promise<T> {
  const text = await readTypedFile({ option, file });
  if (text.trim() === '') throw fail('file_malformed', { option, file, why: 'it is empty' });
  const parsed = shape.safeParse(jsonIn({ option, file }, text));
  if (parsed.success) return parsed.data;
  const { params } = refusalOf(parsed.error, (path) => path.join('.'));
  const { pointer = '', reason = 'it has another form' } = params;
  throw fail(
    'file_malformed',
    { option, file, why: pointer === '' ? reason : `at ${pointer}: ${reason}` },
    parsed.error,
  );
}

function jsonIn({ option, file }: TypedFile, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'no JSON';
    throw fail('file_malformed', { option, file, why: `it is no JSON: ${why}` }, cause);
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
