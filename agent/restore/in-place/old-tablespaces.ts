import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeControlFile } from '#core/engine/control-file.ts';
import type { EngineFiles } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { isGone, layoutOf, readIfPresent } from '#agent/datadir/reader.ts';
import { isAbsent, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { ownPlaces } from '#agent/ground/own-places.ts';

/**
 * Canonical places of a plan that are tablespaces of the instance in a data directory. Every other place is somebody else's and must be
 * empty; one of the instance must hold nothing but its own part: clusters of other versions may share it, and it leaves as a whole.
 * Throws `target_not_empty`, `tablespace_shared`, before anything moves.
 */
export function oldTablespaces(places: readonly string[], directory: string): readonly string[] {
  const own = ownPlaces(directory);
  return places.filter((place) => {
    if (own.has(place)) refuseShared(place, directory);
    else refuseNotEmpty(place);
    return own.has(place);
  });
}

/** Throws `tablespace_shared` when anything but the part of one server version lies in a tablespace of an instance. */
export function refuseShared(place: string, directory: string): void {
  if (isAbsent(place)) return;
  const own = ownPart(directory);
  const names = readdirSync(place).sort();
  const parts = names.filter((name) => own.test(name));
  const foreign = parts.length > 1 ? names : names.filter((name) => !own.test(name));
  if (foreign.length > 0) throw fail('tablespace_shared', { path: place, found: foreign.slice(0, 5).join(', ') });
}

/** Names that the server of a data directory gives its part of a tablespace; of a damaged one less is known. */
function ownPart(directory: string): RegExp {
  const { files } = layoutOf(directory);
  const major = /^\d+/.exec(readIfPresent(join(directory, files.version)) ?? '')?.[0] ?? '\\d+';
  return new RegExp(`^${files.tablespaceVersionPrefix}${major}_${catalogVersion(directory, files) ?? '\\d+'}$`);
}

function catalogVersion(directory: string, files: EngineFiles): string | undefined {
  const path = join(directory, files.control);
  try {
    return String(decodeControlFile(readFileSync(path), path).catalogVersion);
  } catch (error) {
    if (isGone(error) || error instanceof HoldfastError) return undefined;
    throw error;
  }
}
