import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { engineLayouts } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { poolKey } from '#core/format/object-key.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { readMarker } from '#agent/datadir/writer-marker.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { codeOf } from '#agent/file-system.ts';
import { isBelow, mountPoints } from './mounts.ts';
import { ownPlaces } from './own-places.ts';

/**
 * Which mounts below a directory may be its own: `none` of what is removed as a whole, the `parts` of a cluster that people keep on disks of
 * their own (its log, its databases, what it keeps for a while) of what is written over, `any` of what is only renamed.
 */
export type OwnMounts = 'none' | 'parts' | 'any';

/**
 * Refuses to remove, write over or move a directory with anything below it that is not its own: another data directory or its tablespaces,
 * a server that runs there, a pool, the home of an agent, a mount. Nothing happens where nothing stands. Links are not followed, for no
 * removal follows them. Throws `holds_foreign` with what was found first.
 */
export function demandOwn(directory: string, mounts: OwnMounts = 'none'): void {
  const found = foreignWithin(directory, mounts);
  if (found !== undefined) throw fail('holds_foreign', { directory, found });
}

/** What lies below a directory and is not its own, in words. */
export function foreignWithin(directory: string, mounts: OwnMounts): string | undefined {
  // Of a file, such as the mark of a place, nothing lies below.
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const root = canonicalPath(directory);
  const mounted = mounts === 'any' ? undefined : foreignMount(root, mounts);
  if (mounted !== undefined) return `a mount point in ${mounted}`;
  const own: Own = { root, places: ownPlaces(root), runId: readMarker(root) };
  return lookInto(root, own);
}

interface Own {
  readonly root: string;
  /** Tablespaces that its links lead to. */
  readonly places: ReadonlySet<string>;
  /** The restore that it is a place of: others of its places may lie below. */
  readonly runId: string | undefined;
}

const partsOf = new Set(
  engineLayouts.flatMap(({ files, exclusions }) => [
    files.log,
    files.databases,
    files.statistics,
    ...exclusions.contentsOf,
  ]),
);

const foreignMount = (root: string, mounts: OwnMounts): string | undefined =>
  mountPoints().find(
    (point) => isBelow(point, root) && !(mounts === 'parts' && partsOf.has(point.slice(root.length + 1))),
  );

function lookInto(directory: string, own: Own): string | undefined {
  const entries = entriesOf(directory);
  if (entries === undefined) return `${directory}, which cannot be read`;
  const use = useOf(directory, new Set(entries.map(({ name }) => name)), own);
  if (use !== undefined) return `${use} in ${directory}`;
  for (const entry of entries) {
    const found = entry.isDirectory() ? lookInto(join(directory, entry.name), own) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined when this account may not read it; what has just gone is empty. */
function entriesOf(directory: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'EACCES') return undefined;
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The names of an agent's own directory: its identity, and its lock while it runs. */
const homeNames = ['host.json', 'agent.pid'];

function useOf(directory: string, names: ReadonlySet<string>, own: Own): string | undefined {
  if (names.has(poolKey())) return 'a pool';
  if (homeNames.some((name) => names.has(name))) return 'the home of an agent';
  if (directory === own.root) return undefined;
  if (isDataDirectory(directory, names)) return 'a data directory';
  if (engineLayouts.some(({ files }) => names.has(files.pid))) {
    const pid = readPidFile(directory);
    if (pid?.isAlive === true) return `a server (process ${String(pid.pid)})`;
  }
  return isForeignSpace(directory, names, own) ? 'a tablespace' : undefined;
}

const isDataDirectory = (directory: string, names: ReadonlySet<string>): boolean =>
  engineLayouts.some(
    ({ files }) =>
      names.has(files.version) && (names.has(files.databases) || existsSync(join(directory, files.control))),
  );

/** A server keeps its part of a tablespace in a directory like `PG_15_202209061`. */
const spaceNames = engineLayouts.map(({ files }) => new RegExp(`^${files.tablespaceVersionPrefix}[0-9.]+_[0-9]+$`));

/** Tablespaces of ours, and those within a data directory, lie in directories named by their oid. */
function isForeignSpace(directory: string, names: ReadonlySet<string>, { places, runId }: Own): boolean {
  if (/^\d+$/.test(basename(directory)) || places.has(directory)) return false;
  if (![...names].some((name) => spaceNames.some((one) => one.test(name)))) return false;
  return runId === undefined || readMarker(directory) !== runId;
}
