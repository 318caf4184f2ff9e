import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { codeOf, unwritable } from './writer-errors.ts';
import { isMarkedFor, writeMarker } from './writer-marker.ts';
import type { FileOwner } from './writer-paths.ts';

/** Directories that a restore writes over instead of moving them aside. */
export interface Overwritten {
  readonly directory: string;
  /** Control file of its engine, relative to it. */
  readonly control: string;
  /** Canonical places of its tablespaces that are written over too. */
  readonly spaces: readonly string[];
  readonly runId: string;
  readonly owner: FileOwner;
  /** Where a test lets the agent die. */
  readonly faults?: Faults | undefined;
}

/**
 * Makes directories targets of a run although they are full: the control file goes first, durably, so that no server starts there any
 * more, whatever happens then; after that they are marked. Safe to call again. The caller has proven the place and has the
 * consent: there is no way back. Throws `target_unwritable`, `target_of_other_run`.
 */
export function takeOver({ directory, control, spaces, runId, owner, faults }: Overwritten): void {
  try {
    removeControl(directory, control);
    reach({ faults }, 'delta.after-control');
    for (const root of [directory, ...spaces]) {
      if (existsSync(root) && !isMarkedFor(root, runId)) writeMarker(root, runId, owner);
    }
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** Without its control file no server starts on a data directory. Durable when it returns. */
export function removeControl(directory: string, control: string): void {
  const path = join(directory, control);
  rmSync(path, { force: true });
  if (existsSync(dirname(path))) syncDirectory(dirname(path));
}

/** Bytes of all files below a directory; links are not followed. 0 when there is none. */
export function bytesBelow(directory: string): number {
  let bytes = 0;
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += bytesBelow(path);
    else if (entry.isFile()) bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

const entriesOf = (directory: string) => {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
};
