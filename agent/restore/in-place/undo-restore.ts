import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { discardMarked } from '#agent/datadir/discard-marked.ts';
import { layoutOf } from '#agent/datadir/reader.ts';
import { markLeft } from '#agent/datadir/writer-left.ts';
import { readMarker, releaseMarker } from '#agent/datadir/writer-marker.ts';
import { removeControl } from '#agent/datadir/writer-overwrite.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { giveBack } from './give-back.ts';
import { begunName, openRestoreJournal } from '#agent/restore/journal.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';

/** Restores of this host that began and of which nobody has said yet that they are done with. */
export function begunRestores(home: string): readonly RunId[] {
  const runs = join(home, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(join(runs, name, begunName)))
    .map((name) => parseId('run', name));
}

/** What a delta restore wrote over cannot go back: it stays without a control file, and any other restore may take the place. */
async function releaseOverwritten(places: readonly string[], runId: RunId): Promise<void> {
  const [directory] = places;
  if (directory !== undefined && readMarker(directory) === runId) {
    await stopLeftServer(directory);
    removeControl(directory, layoutOf(directory).files.control);
    markLeft(directory);
  }
  for (const place of places) releaseMarker(place, runId);
}

/**
 * Cleans up after a restore whose run is over without having told its host: given up, cancelled between two attempts, or
 * ended while the agent was away. Its server stops, what it moved aside goes back, and what it had only half written
 * goes. A database that was recovered as planned stays: clients may have written to it. Safe to call again. Throws
 * `not_put_back`, `target_running`, `target_unwritable`.
 */
export async function undoRestore(home: string, runId: RunId): Promise<void> {
  const journal = openRestoreJournal(home, runId);
  const places = (journal.begun() ?? []).map(canonicalPath);
  const isRecovered = journal.finished() !== undefined || journal.recovered() !== undefined;
  if (isRecovered) {
    for (const place of places) releaseMarker(place, runId);
  } else if (journal.overwriting() !== undefined) {
    await releaseOverwritten(places, runId);
  } else {
    for (const place of places) if (readMarker(place) === runId) await stopLeftServer(place);
    giveBack(journal, runId);
    // A control file is written last: where it stands, a recovery began whose outcome somebody may want to look at.
    const [directory] = places;
    const isHalf = directory !== undefined && !existsSync(join(directory, layoutOf(directory).files.control));
    if (isHalf) for (const place of places) discardMarked(place, runId);
  }
  journal.end();
}
