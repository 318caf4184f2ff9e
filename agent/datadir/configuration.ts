import { statSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import type { EngineFiles } from '#core/engine/profile.ts';
import type { SourceFile } from '#agent/copy/copy-request.ts';

/** Where the server reads its configuration, as it says itself. */
export interface ConfigurationPaths {
  readonly main: string;
  readonly hba: string;
  readonly ident: string;
  /** Every other file that settings came from: include, include_if_exists, include_dir. */
  readonly included: readonly string[];
}

export interface ConfigurationNames {
  /** Names that the data directory itself uses: none is used twice. */
  readonly taken: ReadonlySet<string>;
  readonly files: Pick<EngineFiles, 'configuration' | 'hba' | 'ident'>;
}

/**
 * Configuration outside the data directory as members of the set, with `origin` (design §5): the main files under the
 * names they have inside a data directory, included files where the main file would find them by a relative path, the
 * rest under `external_configuration/`.
 */
export function externalConfiguration(
  dataDirectory: string,
  paths: ConfigurationPaths,
  { taken, files }: ConfigurationNames,
): SourceFile[] {
  const used = new Set(taken);
  const found: SourceFile[] = [];
  const add = (origin: string, wanted: string): void => {
    const stats = statSync(origin, { throwIfNoEntry: false });
    if (stats?.isFile() !== true || found.some((file) => file.origin === origin)) return;
    const path = freePath(wanted, used);
    used.add(path);
    const { size: sizeBytes, mode, mtimeMs } = stats;
    found.push({
      path,
      absolute: origin,
      origin,
      sizeBytes,
      mode: mode & 0o7777,
      mtimeMs: Math.floor(mtimeMs),
      mustExist: false,
    });
  };
  const isOutside = (path: string): boolean => path !== '' && !path.startsWith(`${dataDirectory}/`);
  if (isOutside(paths.main)) add(paths.main, files.configuration);
  if (isOutside(paths.hba)) add(paths.hba, files.hba);
  if (isOutside(paths.ident)) add(paths.ident, files.ident);
  for (const path of paths.included.filter(isOutside)) {
    const below = relative(dirname(paths.main), path);
    add(path, below.startsWith('..') ? `external_configuration/${basename(path)}` : below);
  }
  return found;
}

function freePath(wanted: string, used: ReadonlySet<string>): string {
  if (!used.has(wanted)) return wanted;
  const outside = `external_configuration/${basename(wanted)}`;
  for (let n = 0; ; n++) {
    const path = n === 0 ? outside : `${outside}.${String(n)}`;
    if (!used.has(path)) return path;
  }
}

/** Directories below which such members lie and that the data directory does not have. */
export function directoriesOf(files: readonly SourceFile[], known: ReadonlySet<string>): string[] {
  const missing = new Set<string>();
  for (const { path } of files) {
    for (let parent = dirname(path); parent !== '.' && !known.has(parent); parent = dirname(parent))
      missing.add(parent);
  }
  return [...missing];
}
