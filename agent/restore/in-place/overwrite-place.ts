import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { Warning } from '#core/run/progress.ts';
import { logDirectoryOf } from '#agent/datadir/reader.ts';
import { refuseLinked } from '#agent/datadir/linked-directories.ts';
import { isLeft, markLeft } from '#agent/datadir/writer-left.ts';
import { isMarkedFor } from '#agent/datadir/writer-marker.ts';
import { bytesBelow, removeControl, takeOver } from '#agent/datadir/writer-overwrite.ts';
import { canonicalPath, isAbsent } from '#agent/datadir/writer-paths.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { proveCluster } from './clear-place.ts';
import type { RestoreJournal } from '#agent/restore/journal.ts';
import { oldTablespaces } from './old-tablespaces.ts';
import { proveSource } from '#agent/restore/write/prove-source.ts';
import { releasePlaces } from './release-places.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';
import { saveTail } from './save-tail.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';

/**
 * Everything that must be true, and everything that must be saved, before a data directory is written over (delta restore, design §7).
 * From its end on there is no way back: no server starts there before the restore is done. Safe to call again. Throws `target_running`,
 * `target_not_empty`, `tablespace_shared`, `holds_foreign`, `system_id_of_restore`, `place_linked`, `delta_unproven`, `space_too_little`, what the pool throws.
 */
export async function overwritePlace(
  work: RestoreWork,
  directory: string,
  { owner, journal }: { readonly owner: FileOwner; readonly journal: RestoreJournal },
): Promise<readonly Warning[]> {
  const { plan, runId } = work.order;
  const { control } = engineProfile(plan.engine).files;
  const begun = journal.overwriting();
  if (begun === undefined && isAbsent(directory)) return [];
  const [spaces, warnings] = begun === undefined ? await prove(work, directory) : [begun, []];
  if (begun !== undefined && !isAbsent(directory) && isMarkedFor(directory, runId)) await stopLeftServer(directory);
  else refuseRunning(directory);
  // Again after a kill, too: whatever is not of the set goes when it is written over.
  for (const root of [directory, ...spaces]) demandOwn(root, 'parts');
  if (begun === undefined) journal.overwrite(spaces);
  reach(work.step, 'delta.after-journal');
  takeOver({ directory, control, spaces, runId, owner, faults: work.step.faults });
  return warnings;
}

async function prove(
  work: RestoreWork,
  directory: string,
): Promise<readonly [spaces: readonly string[], warnings: readonly Warning[]]> {
  const { plan } = work.order;
  refuseRunning(directory);
  refuseLinked(directory);
  const warnings = proveCluster(plan, directory);
  refuseDoubt(directory, warnings);
  await proveSource(work, directory);
  const spaces = oldTablespaces(Object.values(plan.tablespaceMap).map(canonicalPath), directory);
  for (const root of [directory, ...spaces]) demandOwn(root, 'parts');
  const there = [directory, ...spaces].reduce((sum, root) => sum + bytesBelow(root), 0);
  refuseTooLittleSpace([{ path: directory, bytes: Math.max(0, plan.rawBytes - there) }]);
  warnings.push(...(await saveTail(work, logDirectoryOf(directory))));
  refuseDoubt(directory, warnings);
  return [spaces, warnings];
}

const doubts = new Set(['old_cluster_unknown', 'log_tail_unsaved']);

/** Moved aside, a database can be looked at later; written over, it is gone. What an earlier delta left is no database any more. */
function refuseDoubt(directory: string, warnings: readonly Warning[]): void {
  const doubt = warnings.find(({ code }) => doubts.has(code));
  if (doubt !== undefined && !isLeft(directory)) throw fail('delta_unproven', { directory, why: doubt.detail });
}

/**
 * After a delta restore that cannot be continued: nothing is given back, for nothing was kept. What lies there has no control file, so
 * no server starts on it, and no mark, so that any other restore may take the place.
 */
export function abandonOverwritten({ order, step }: RestoreWork, directory: string, isBegun: boolean): void {
  if (!isBegun) return;
  removeControl(directory, engineProfile(order.plan.engine).files.control);
  markLeft(directory);
  releasePlaces(order);
  step.log({
    level: 'error',
    message: `${directory} is partly written over and has no control file, no server starts on it: restore again, with or without --delta`,
  });
}
