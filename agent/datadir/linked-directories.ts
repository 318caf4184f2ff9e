import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { layoutOf } from './reader.ts';

/**
 * Directories of a data directory that lie elsewhere, by symbolic links of their own (`initdb --waldir`, or by hand), as `member -> place`;
 * those of tablespaces are not among them. Links to files are not told: configuration is often kept so, and is replaced by a copy.
 */
export const linkedDirectories = (directory: string): readonly string[] =>
  linksOf(directory).map(({ member, place }) => `${member} -> ${place}`);

/** Where those directories lie. */
export const linkedPlaces = (directory: string): readonly string[] =>
  linksOf(directory).map(({ member, place }) => resolve(dirname(join(directory, member)), place));

interface Link {
  readonly member: string;
  /** As the link says. */
  readonly place: string;
}

function linksOf(directory: string): readonly Link[] {
  if (!existsSync(directory)) return [];
  const { tablespaces } = layoutOf(directory).files;
  const found: Link[] = [];
  const look = (above: string, isDeep: boolean): void => {
    for (const entry of readdirSync(join(directory, above), { withFileTypes: true })) {
      const member = join(above, entry.name);
      if (member === tablespaces) continue;
      if (entry.isSymbolicLink()) found.push(...linkOf(directory, member));
      else if (isDeep && entry.isDirectory()) look(member, false);
    }
  };
  look('', true);
  return found.sort((a, b) => (a.member < b.member ? -1 : 1));
}

/** A link that leads nowhere now may lead to a disk that is not mounted. */
function linkOf(directory: string, member: string): readonly Link[] {
  const path = join(directory, member);
  const isFile = statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  return isFile ? [] : [{ member, place: readlinkSync(path) }];
}

/** Refuses to replace a data directory parts of which would be left behind. Throws `place_linked`. */
export function refuseLinked(directory: string): void {
  const links = linkedDirectories(directory);
  if (links.length > 0) throw fail('place_linked', { directory, links: links.join(', ') });
}
