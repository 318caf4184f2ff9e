import { closeSync, fchownSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';
import type { FileOwner } from './writer-paths.ts';

/** Marks a directory as being restored by one run: nobody else continues there, and it says why the server does not start. */
export const markerName = '.holdfast-restore';

/** Run id in the marker of a directory; undefined without one. */
export function readMarker(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, markerName), 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** True when the marker is of this run. Throws `target_of_other_run` when it is of another. */
export function isMarkedFor(directory: string, runId: string): boolean {
  const found = readMarker(directory);
  if (found === undefined) return false;
  // An empty marker was cut short by a crash in the very first write: nothing of a set can lie beside it yet.
  if (found !== '' && found !== runId)
    throw fail('target_of_other_run', { path: directory, runId: found.slice(0, 60) });
  return true;
}

export function writeMarker(directory: string, runId: string, owner: FileOwner): void {
  const file = openSync(join(directory, markerName), 'w', 0o600);
  try {
    writeSync(file, `${runId}\n`);
    fchownSync(file, owner.uid, owner.gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(directory);
}

export function removeMarker(directory: string): void {
  try {
    unlinkSync(join(directory, markerName));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  syncDirectory(directory);
}

/** Removes the marker of a run that needs it no longer; that of another run stays. */
export function releaseMarker(directory: string, runId: string): void {
  if (readMarker(directory) === runId) removeMarker(directory);
}
