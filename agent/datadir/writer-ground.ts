import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { engineLayouts } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { poolKey } from '#core/format/object-key.ts';
import { codeOf } from '#agent/file-system.ts';
import { markerName } from './writer-marker.ts';

/**
 * Refuses a place inside a data directory, a tablespace, a directory of log, a pool or a half written restore, whoever owns it: its
 * server or its clean-up would take for its own what is written there. `logDirectories` are those of the instances of this host, which
 * may be empty just now. The place itself is judged by whoever demands that it is empty. `path` is canonical. Throws `place_in_use`.
 */
export function refuseUsedGround(path: string, logDirectories: readonly string[] = []): void {
  const log = logDirectories.find((one) => path === one || path.startsWith(`${one}/`));
  if (log !== undefined)
    throw fail('place_in_use', { path, holder: log, what: 'where an instance of this host keeps log' });
  for (let at = path; at !== dirname(at);) {
    at = dirname(at);
    const what = useOf(at);
    if (what !== undefined) throw fail('place_in_use', { path, holder: at, what });
  }
}

/** What a directory is used for by what lies in it, in words; undefined when it shows nothing. */
function useOf(directory: string): string | undefined {
  const isThere = (name: string): boolean => existsSync(join(directory, name));
  if (engineLayouts.some(({ files }) => isThere(files.version) && (isThere(files.control) || isThere(files.databases))))
    return 'which is a data directory';
  if (isThere(poolKey())) return 'which is a pool';
  if (isThere(markerName)) return 'which a restore has not finished';
  const names = namesIn(directory);
  const space = names.find((name) => spaceNames.some((one) => one.test(name)));
  if (space !== undefined) return `which holds tablespaces (${space})`;
  const segment = names.find((name) => /^[0-9A-F]{24}(?:[.]|$)/.test(name));
  return segment === undefined ? undefined : `which holds log of a database (${segment})`;
}

/** A server keeps its part of a tablespace in a directory like `PG_15_202209061`. */
const spaceNames = engineLayouts.map(({ files }) => new RegExp(`^${files.tablespaceVersionPrefix}[0-9.]+_[0-9]+$`));

/** A directory above may not exist yet, or may be closed to an agent that is not root. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) return [];
    throw error;
  }
}
