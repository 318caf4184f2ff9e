import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { EngineFiles } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { codeOf } from '#agent/file-system.ts';

/** The account that owns what is written and that the server runs as. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Resolves links in what exists of a path; what does not exist yet is appended as it is. A link whose directory was moved
 * away leads to the same place as before.
 */
export function canonicalPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink
      ? canonicalPath(resolve(dirname(path), readlinkSync(path)))
      : join(canonicalPath(dirname(path)), basename(path));
  }
}

/** True when nothing stands at a path. */
export function isAbsent(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
}

/** Refuses a place where anything stands but an empty directory. Throws `target_not_empty`. */
export function refuseNotEmpty(path: string): void {
  if (isAbsent(path)) return;
  if (!statSync(path).isDirectory() || readdirSync(path).length > 0) throw fail('target_not_empty', { path });
}

/** A data directory and the new places of its tablespaces. */
export interface MemberPlaces {
  readonly directory: string;
  readonly tablespaces: Readonly<Record<string, string>>;
  readonly files: Pick<EngineFiles, 'tablespaces'>;
}

/**
 * Where a member goes: below the data directory, or below the new place of its tablespace. Never through a link and
 * never outside, whatever the set says. Throws `target_escapes`.
 */
export function placeMember(member: string, { directory, tablespaces, files }: MemberPlaces): string {
  const parts = member.split('/');
  const isInside = !parts.some(
    (part) => part === '' || part === '.' || part === '..' || part.includes('\0') || part.includes('\\'),
  );
  if (!isInside) throw fail('target_escapes', { path: member, directory });
  const [top, oid, ...rest] = parts;
  if (top !== files.tablespaces || oid === undefined || rest.length === 0) return join(directory, ...parts);
  const place = tablespaces[oid];
  if (place === undefined) throw fail('target_escapes', { path: member, directory });
  return join(place, ...rest);
}

/**
 * Refuses a place that the owner could not enter later, for example below a home directory that is closed.
 * Throws `target_unwritable`.
 */
export function refuseClosedParents(path: string, owner: FileOwner): void {
  if (owner.uid === 0) return;
  for (let at = dirname(path); ; at = dirname(at)) {
    if (!isAbsent(at) && !canEnter(at, owner)) {
      throw fail('target_unwritable', {
        path,
        reason: `the account with uid ${String(owner.uid)}, which shall own it, may not enter ${at}`,
      });
    }
    if (at === dirname(at)) return;
  }
}

function canEnter(path: string, owner: FileOwner): boolean {
  const { uid, gid, mode } = statSync(path);
  if (uid === owner.uid) return (mode & 0o100) !== 0;
  if (gid === owner.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
