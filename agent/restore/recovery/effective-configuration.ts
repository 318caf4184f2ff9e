import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { Assignment } from '#core/restore/recovery/configuration-text.ts';
import { assignmentsIn, includeNames } from '#core/restore/recovery/configuration-text.ts';
import { codeOf } from '#agent/file-system.ts';

/** One assignment that the server will read, and where it stands. */
export interface SettingRead extends Assignment {
  readonly file: string;
}

/** Text of a settings file; undefined when there is none. */
type TextOf = (file: string) => string | undefined;

/**
 * Everything a server reads from a settings file and the files that it includes, in the order of reading (PG manual
 * "Configuration File Contents"): of two assignments the later one wins. Throws `config_file_bad` for a file that is
 * there but cannot be read.
 */
export const readConfiguration = (file: string, textOf: TextOf = readSettingsFile): readonly SettingRead[] =>
  readFrom(file, textOf, []);

function readFrom(file: string, textOf: TextOf, above: readonly string[]): readonly SettingRead[] {
  const text = above.includes(file) ? undefined : textOf(file);
  return assignmentsIn(text ?? '').flatMap((one) =>
    includeNames.includes(one.name)
      ? includedBy(one, dirname(file)).flatMap((next) => readFrom(next, textOf, [...above, file]))
      : [{ ...one, file }],
  );
}

/** Paths are relative to the file with the directive; of a directory its `.conf` files count, by name, no hidden ones. */
function includedBy({ name, value }: Assignment, from: string): readonly string[] {
  const path = resolve(from, value);
  if (name !== 'include_dir') return [path];
  return namesIn(path)
    .filter((one) => one.endsWith('.conf') && !one.startsWith('.'))
    .sort()
    .map((one) => join(path, one));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    demandAbsent(directory, error);
    return [];
  }
}

/** Text of a settings file; undefined when there is none. Throws `config_file_bad`. */
export function readSettingsFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    demandAbsent(path, error);
    return undefined;
  }
}

/** What is not there is no settings file; everything else that keeps one from being read is told. */
function demandAbsent(path: string, error: unknown): void {
  if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return;
  throw fail('config_file_bad', { path, reason: error instanceof Error ? error.message : String(error) }, error);
}
