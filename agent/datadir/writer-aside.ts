import { readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { engineLayouts } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { isMarkedFor } from './writer-marker.ts';
import { isAbsent, refuseNotEmpty } from './writer-paths.ts';

/** Where a directory is kept while another takes its place. */
export const asideOf = (path: string, runId: string): string => `${path}.before-${runId}`;

/**
 * Where a server that the agent opened in place writes its log, until somebody hands it over: where its owner can read it,
 * and not in the data directory, whose every file is the owner's.
 */
export const serverLogBeside = (path: string, runId: string): string => `${path}.${runId}.log`;

/** True for the name of a directory that a restore keeps aside. */
export const isAsideName = (name: string): boolean => /[.]before-run_[0-9a-f]{32}$/.test(name);

/**
 * Moves an old directory aside, within its parent, so that nothing is copied and nothing lost. Done once per run: what was
 * moved before, or is already being written by this run, stays. Throws `move_aside_failed`, `target_of_other_run`.
 */
export function moveAside(path: string, runId: string): void {
  const aside = asideOf(path, runId);
  if (isAbsent(path) || !isAbsent(aside) || isMarkedFor(path, runId)) return;
  try {
    renameSync(path, aside);
    syncDirectory(dirname(path));
  } catch (error) {
    throw fail(
      'move_aside_failed',
      { path, aside, reason: error instanceof Error ? error.message : String(error) },
      error,
    );
  }
}

/**
 * Gives an old directory its place back. What a failed restore left there is kept under a name of its own when a server
 * may have run on it (`isKept`), and removed when it was only half written: all of that lies in the pool. Nothing happens
 * when nothing was moved. Throws `target_not_empty` when what stands there was not written by this run,
 * `target_of_other_run`, `holds_foreign` before anything is moved.
 */
export function putBack(path: string, runId: string, { isKept }: { readonly isKept: boolean }): void {
  const aside = asideOf(path, runId);
  if (isAbsent(aside)) return;
  const failed = isAbsent(path) ? undefined : clearFailed(path, runId);
  renameSync(aside, path);
  syncDirectory(dirname(path));
  // Why last: a kill in the middle leaves a directory too many, never a place that cannot be given back.
  if (failed !== undefined && !isKept) rmSync(failed, { recursive: true });
}

/** Frees a place; where what stood there lies now, undefined when it was empty. */
function clearFailed(path: string, runId: string): string | undefined {
  if (!isMarkedFor(path, runId)) refuseNotEmpty(path);
  demandOwn(path);
  if (readdirSync(path).length === 0) {
    rmdirSync(path);
    return undefined;
  }
  const failed = freeName(`${path}.failed-${runId}`);
  renameSync(path, failed);
  return failed;
}

/** A run may fail more than once. */
function freeName(wanted: string): string {
  for (let n = 0; ; n++) {
    const name = n === 0 ? wanted : `${wanted}.${String(n)}`;
    if (isAbsent(name)) return name;
  }
}

/** History files in the log directory of a data directory of any engine, by name. */
export const historyFilesOf = (directory: string): readonly string[] =>
  engineLayouts.flatMap(({ files }) => historyFilesIn(join(directory, files.log)));

/** History files in a directory, by name; none when it does not exist. */
export const historyFilesIn = (directory: string): readonly string[] =>
  isAbsent(directory) ? [] : readdirSync(directory).filter((name) => /^[0-9A-F]{8}\.history$/.test(name));
