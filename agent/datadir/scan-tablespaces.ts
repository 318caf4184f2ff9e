import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TablespaceOfSet } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { isGone } from './reader.ts';

export interface LinkedTablespace extends TablespaceOfSet {
  /** Name of the directory of this server version inside the tablespace, e.g. `PG_15_202209061`. */
  readonly versionDirectory: string;
}

interface TablespaceRequest {
  readonly profile: EngineProfile;
  readonly dataDirectory: string;
  readonly major: number;
  readonly catalogVersion: number;
}

/**
 * Tablespaces by the links in pg_tblspc, which may hold nothing but symbolic links to directories (peers.md §5
 * item 21). Throws `tablespace_invalid`; a link that vanishes meanwhile is a dropped tablespace.
 */
export function readTablespaces(request: TablespaceRequest): LinkedTablespace[] {
  const { profile, major, catalogVersion } = request;
  const directory = join(request.dataDirectory, profile.files.tablespaces);
  const versionDirectory = `${profile.files.tablespaceVersionPrefix}${String(major)}_${String(catalogVersion)}`;
  const found: LinkedTablespace[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const link = join(directory, entry.name);
    if (entry.name.startsWith(profile.files.temporaryPrefix)) continue;
    if (!entry.isSymbolicLink()) throw fail('tablespace_invalid', { path: link, reason: 'it is no symbolic link' });
    if (!/^\d+$/.test(entry.name))
      throw fail('tablespace_invalid', { path: link, reason: 'its name is no tablespace number' });
    const path = targetOf(link, request.dataDirectory);
    if (path !== undefined) found.push({ oid: Number(entry.name), path, versionDirectory });
  }
  return found;
}

function targetOf(link: string, dataDirectory: string): string | undefined {
  const target = readTarget(link);
  if (target === undefined) return undefined;
  const invalid = (reason: string): Error => fail('tablespace_invalid', { path: link, reason });
  if (!target.startsWith('/')) throw invalid(`its target "${target}" is not absolute`);
  if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw invalid(`its target ${target} is a link itself`);
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw invalid(`its target ${target} is no directory`);
  const root = realpathSync(dataDirectory);
  if (root === realpathSync(target) || root.startsWith(`${realpathSync(target)}/`))
    throw invalid(`its target ${target} holds the data directory`);
  return target;
}

function readTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
