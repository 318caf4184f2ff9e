import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from '#agent/file-system.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { unwritable } from './writer-errors.ts';
import { markerName, readMarker, removeMarker } from './writer-marker.ts';

/**
 * Empties a place that a run marked and did not finish; links are removed, not followed. The mark goes last, so that a clean-up that
 * was killed is continued. Places without the mark of this run stay as they are. True when it was emptied. Throws `target_unwritable`, `holds_foreign`.
 */
export function discardMarked(place: string, runId: string): boolean {
  if (readMarker(place) !== runId) return false;
  demandOwn(place);
  try {
    for (const name of readdirSync(place)) {
      if (name !== markerName) rmSync(join(place, name), { recursive: true, force: true });
    }
    syncDirectory(place);
    removeMarker(place);
    return true;
  } catch (error) {
    throw unwritable(place, error);
  }
}
