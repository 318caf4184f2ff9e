import { directoryAbove } from '../plain-path.ts';

interface DatedFile {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
}

/**
 * Directories of databases that were made since the base, under whatever number: CREATE DATABASE writes the version file of a database once,
 * and nobody touches it again. With STRATEGY FILE_COPY its pages keep the LSNs of the template (PostgreSQL manual, CREATE DATABASE), so
 * that page LSNs say nothing below such a directory when a dropped database had the same number. A restored file keeps its time.
 */
export function databasesAnew(
  files: Iterable<DatedFile>,
  version: string,
  timeInBase: (path: string) => number | undefined,
): ReadonlySet<string> {
  const anew = new Set<string>();
  for (const { path, mtimeMs } of files)
    if (path.endsWith(`/${version}`) && timeInBase(path) !== mtimeMs) anew.add(directoryAbove(path));
  return anew;
}
