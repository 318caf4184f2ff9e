import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { join } from 'node:path';
import { inclusionOf } from '#core/backup/exclusion.ts';
import { isWorthCopying, parseRelationFile, unloggedRelations } from '#core/backup/relation-file.ts';
import type { TablespaceOfSet } from '#core/backup/set-summary.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { MemberOfSet } from '#core/format/meta.ts';
import type { SourceFile } from '#agent/copy/copy-request.ts';
import { isGone } from './reader.ts';
import { readTablespaces } from './scan-tablespaces.ts';

export interface ScanRequest {
  readonly profile: EngineProfile;
  readonly dataDirectory: string;
  readonly major: number;
  readonly catalogVersion: number;
  /** Pages in one file of a relation, from the control file. */
  readonly pagesPerFile: number;
  readonly hasChecksums: boolean;
}

/** What a set of this data directory consists of, but for the control file and the label, which come last. */
export interface DataDirectoryScan {
  readonly files: readonly SourceFile[];
  readonly directories: readonly Extract<MemberOfSet, { kind: 'directory' }>[];
  readonly symlinks: readonly Extract<MemberOfSet, { kind: 'symlink' }>[];
  readonly tablespaces: readonly TablespaceOfSet[];
  readonly bytesTotal: number;
}

type DirectoryRole = 'plain' | 'databases' | 'pages';
interface Place {
  readonly path: string;
  readonly absolute: string;
  readonly role: DirectoryRole;
}

/**
 * Lists what to copy (PG manual "Backing Up The Data Directory"; peers.md §5 items 7–11, 14, 21). Entries that vanish
 * while it looks are dropped relations and left out. Throws `data_directory_unreadable`, `tablespace_invalid`.
 */
export function scanDataDirectory(request: ScanRequest): DataDirectoryScan {
  try {
    return new Scan(request).run();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fail('data_directory_unreadable', { directory: request.dataDirectory, reason }, cause);
  }
}

class Scan {
  readonly #request: ScanRequest;
  readonly #files: SourceFile[] = [];
  readonly #directories: Extract<MemberOfSet, { kind: 'directory' }>[] = [];
  readonly #symlinks: Extract<MemberOfSet, { kind: 'symlink' }>[] = [];
  /** Real paths of tablespaces: entered through their links only. */
  readonly #tablespaces = new Set<string>();
  readonly #followed = new Set<string>();
  readonly #root: string;
  #bytesTotal = 0;

  constructor(request: ScanRequest) {
    this.#request = request;
    this.#root = realpathSync(request.dataDirectory);
  }

  run(): DataDirectoryScan {
    const { profile } = this.#request;
    const tablespaces = readTablespaces(this.#request);
    // A tablespace inside the data directory is reached through its link only, not twice.
    for (const { path } of tablespaces) this.#tablespaces.add(realpathSync(path));
    this.#walk({ path: '', absolute: this.#root, role: 'plain' });
    for (const { oid, path, versionDirectory } of tablespaces) {
      const link = `${profile.files.tablespaces}/${String(oid)}`;
      this.#symlinks.push({ kind: 'symlink', path: link, target: path });
      const place = { path: `${link}/${versionDirectory}`, absolute: join(path, versionDirectory) };
      const stats = lstatOf(place.absolute);
      if (stats !== undefined) this.#enter({ ...place, role: 'databases' }, stats);
    }
    return {
      files: this.#files,
      directories: this.#directories,
      symlinks: this.#symlinks,
      tablespaces: tablespaces.map(({ oid, path }) => ({ oid, path })),
      bytesTotal: this.#bytesTotal,
    };
  }

  #walk(place: Place): void {
    const entries = this.#list(place);
    const unlogged = place.role === 'pages' ? unloggedRelations(entries.map((entry) => entry.name)) : noRelations;
    for (const entry of entries) this.#visit(place, entry, unlogged);
  }

  #visit(place: Place, entry: Dirent, unlogged: ReadonlySet<string>): void {
    const { profile } = this.#request;
    const path = place.path === '' ? entry.name : `${place.path}/${entry.name}`;
    const inclusion = inclusionOf(profile.exclusions, path, entry.name);
    if (inclusion === 'leave-out' || path === profile.files.control) return;
    if (place.role === 'pages' && !isWorthCopying(entry.name, unlogged)) return;
    // Not `join`: it normalises, which costs more than the rest of the visit.
    const entered = `${place.absolute}/${entry.name}`;
    const absolute = entry.isSymbolicLink() ? this.#follow(entered) : entered;
    if (absolute === undefined) return;
    const stats = lstatOf(absolute);
    if (stats === undefined) return;
    const found = { path, absolute, role: stats.isDirectory() ? this.#roleOf(path, place.role) : place.role };
    if (inclusion === 'empty-directory') this.#keepEmpty(found, stats);
    else this.#take(found, stats);
  }

  #take(found: Place, stats: Stats): void {
    if (stats.isDirectory()) {
      if (!this.#tablespaces.has(found.absolute)) this.#enter(found, stats);
      return;
    }
    // Sockets, pipes and devices belong to the running server.
    if (stats.isFile()) this.#addFile(found, stats);
  }

  #enter(place: Place, stats: Stats): void {
    this.#directories.push({ kind: 'directory', path: place.path, mode: stats.mode & 0o7777 });
    // Only links are walked through here; other tablespace entries were turned down when the links were read.
    if (place.path === this.#request.profile.files.tablespaces) return;
    this.#walk(place);
  }

  #keepEmpty({ path, absolute }: Place, stats: Stats): void {
    if (!stats.isDirectory()) return;
    this.#directories.push({ kind: 'directory', path, mode: stats.mode & 0o7777 });
    for (const kept of this.#request.profile.exclusions.keptDirectories) {
      if (!kept.startsWith(`${path}/`)) continue;
      const inner = lstatOf(join(absolute, kept.slice(path.length + 1)));
      if (inner?.isDirectory() === true)
        this.#directories.push({ kind: 'directory', path: kept, mode: inner.mode & 0o7777 });
    }
  }

  #addFile({ path, absolute, role }: Place, stats: Stats): void {
    const { profile, hasChecksums, pagesPerFile } = this.#request;
    const relation =
      hasChecksums && role === 'pages' ? parseRelationFile(path.slice(path.lastIndexOf('/') + 1)) : undefined;
    this.#files.push({
      path,
      ...(absolute === `${this.#root}/${path}` ? { root: this.#root } : { absolute }),
      sizeBytes: stats.size,
      mode: stats.mode & 0o7777,
      mtimeMs: Math.floor(stats.mtimeMs),
      pages: relation === undefined ? undefined : { firstBlock: relation.segment * pagesPerFile },
      mustExist: path === profile.files.version,
    });
    this.#bytesTotal += stats.size;
  }

  /** Below `base` and below the version directory of a tablespace each directory is one database. */
  #roleOf(path: string, parent: DirectoryRole): DirectoryRole {
    if (parent === 'databases') return 'pages';
    const { files } = this.#request.profile;
    if (path === files.shared) return 'pages';
    return path === files.databases ? 'databases' : 'plain';
  }

  /**
   * A link is copied as what it leads to, because a link into this host is worth nothing elsewhere. Answers the real
   * path; undefined when it leads nowhere or to a directory that is copied elsewhere, so links in circles end.
   */
  #follow(link: string): string | undefined {
    const stats = statSync(link, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const real = realpathSync(link);
    if (!stats.isDirectory()) return real;
    const isInside = real === this.#root || real.startsWith(`${this.#root}/`);
    if (isInside || this.#followed.has(real)) return undefined;
    this.#followed.add(real);
    return real;
  }

  #list(place: Place): Dirent[] {
    try {
      return readdirSync(place.absolute, { withFileTypes: true });
    } catch (cause) {
      if (isGone(cause) && place.path !== '') return [];
      throw cause;
    }
  }
}

const noRelations: ReadonlySet<string> = new Set();

/** Undefined for what vanished: a dropped relation. */
const lstatOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
