import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetFound, TargetInstance, TargetQuestion } from '#core/drill/drill-target.ts';
import { fail } from '#core/errors/fail.ts';
import { layoutOf, readControlFile } from '#agent/datadir/reader.ts';
import { removeDrillMark, writeDrillMark } from '#agent/datadir/writer-drill-mark.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { nestedWith, sharedWith } from './apart.ts';
import { refuseLinked } from '#agent/datadir/linked-directories.ts';
import { refuseUnmovable } from './refuse-unmovable.ts';

/** Where the tablespaces of a drilled instance go. */
export const spacesOf = (directory: string): string => `${directory}.drill-tablespaces`;

/** The directory of a target by its real path, proven to be no other instance of this host. Throws `drill_target_is_source`. */
function provenOther({ dataDirectory, others }: TargetInstance): string {
  const directory = canonicalPath(dataDirectory);
  for (const other of others) {
    const why = sharedWith(directory, other);
    if (why !== undefined) throw fail('drill_target_is_source', { target: dataDirectory, why });
  }
  return directory;
}

/** The same, and nothing of another instance lies in it, nor it in one. Throws `drill_target_is_source`, `drill_target_nested`. */
export function provenApart(asked: TargetInstance): string {
  const directory = provenOther(asked);
  const why = asked.others.flatMap((other) => nestedWith([directory, spacesOf(directory)], other) ?? [])[0];
  if (why !== undefined) throw fail('drill_target_nested', { target: asked.dataDirectory, why });
  return directory;
}

/** Nothing that a drill in a directory moves or removes is anybody else's. Throws `holds_foreign`. */
export function demandOwnTarget(directory: string): void {
  for (const path of [directory, spacesOf(directory)]) demandOwn(path);
}

/** Tablespaces that no drill made would be left behind. Throws `drill_target_spaces`. */
export function refuseOwnSpaces(directory: string): void {
  const links = join(directory, layoutOf(directory).files.tablespaces);
  const own = existsSync(links)
    ? readdirSync(links).filter((name) => !readlinkSync(join(links, name)).startsWith(`${spacesOf(directory)}/`))
    : [];
  if (own.length > 0) throw fail('drill_target_spaces', { directory, links: own.join(', ') });
}

/** Who owns the files of an instance and runs its server. */
export function ownerOfDirectory(directory: string): FileOwner {
  const { uid, gid } = statSync(directory);
  return { uid, gid };
}

/**
 * Looks at an instance that is to be marked as a drill target, marks it, or takes the mark away. One whose system identifier is that of
 * another database that is registered or backed up is never marked: it may be its standby, its copy, or itself under another name.
 * Throws `drill_target_is_source`, `drill_target_nested`, `holds_foreign`, `drill_target_spaces`, `drill_target_unmovable`, `place_linked`, what reading its control file throws.
 */
export async function askTarget(asked: TargetQuestion): Promise<TargetFound> {
  const directory = asked.does === 'unmark' ? provenOther(asked) : provenApart(asked);
  if (asked.does === 'unmark') removeDrillMark(directory);
  const { content } = await readControlFile(layoutOf(directory), directory);
  const { systemId } = content;
  const isRunning = readPidFile(directory)?.isAlive === true;
  if (asked.does === 'unmark') return { directory, systemId, isRunning };
  if (asked.foreignSystems.includes(systemId)) {
    const why = `its system identifier ${systemId} is that of a database that is registered or backed up`;
    throw fail('drill_target_is_source', { target: directory, why });
  }
  refuseOwnSpaces(directory);
  refuseLinked(directory);
  refuseUnmovable(directory, spacesOf(directory));
  demandOwnTarget(directory);
  if (asked.does === 'mark') writeDrillMark(directory, asked.mark, ownerOfDirectory(directory));
  return { directory, systemId, isRunning };
}
