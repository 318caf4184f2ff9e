import { closeSync, fchownSync, fsyncSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';
import type { FileOwner } from './writer-paths.ts';
import { cutText } from '#core/text.ts';

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
    throw fail('target_of_other_run', { path: directory, runId: cutText(found, 60) });
  return true;
}

export function writeMarker(directory: string, runId: string, owner: FileOwner): void {
  writeMark(openSync(join(directory, markerName), 'w', 0o600), runId, owner);
  syncDirectory(directory);
}

/**
 * Takes an empty directory for a run. Of several runs that found it empty, by whatever names of it (a link, a bind mount), exactly one gets
 * it: the lane of a run goes by the path as it was typed. What another run wrote and finished since is found too. Safe to call again by the
 * same run. Throws `target_of_other_run`, `target_not_empty`.
 */
export function claimDirectory(directory: string, runId: string, owner: FileOwner): void {
  if (isMarkedFor(directory, runId)) {
    writeMarker(directory, runId, owner);
    return;
  }
  writeMark(openNewMarker(directory), runId, owner);
  syncDirectory(directory);
  if (readdirSync(directory).every((name) => name === markerName)) return;
  removeMarker(directory);
  throw fail('target_not_empty', { path: directory });
}

function openNewMarker(directory: string): number {
  try {
    return openSync(join(directory, markerName), 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw fail('target_of_other_run', { path: directory, runId: cutText(readMarker(directory) ?? '', 60) }, error);
  }
}

function writeMark(file: number, runId: string, owner: FileOwner): void {
  try {
    writeSync(file, `${runId}\n`);
    fchownSync(file, owner.uid, owner.gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
