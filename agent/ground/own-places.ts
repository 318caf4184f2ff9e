import { readdirSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { layoutOf } from '#agent/datadir/reader.ts';
import { canonicalPath, isAbsent } from '#agent/datadir/writer-paths.ts';

/** Canonical targets of the tablespace links of a data directory. */
export function ownPlaces(directory: string): ReadonlySet<string> {
  const links = join(directory, layoutOf(directory).files.tablespaces);
  if (isAbsent(links)) return new Set();
  const found = readdirSync(links, { withFileTypes: true }).filter(
    (entry) => entry.isSymbolicLink() && /^\d+$/.test(entry.name),
  );
  return new Set(found.map(({ name }) => canonicalPath(resolve(links, readlinkSync(join(links, name))))));
}
