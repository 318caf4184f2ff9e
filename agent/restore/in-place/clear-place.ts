import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeControlFile } from '#core/engine/control-file.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { Warning } from '#core/run/progress.ts';
import { layoutOf, logDirectoryOf } from '#agent/datadir/reader.ts';
import { linkedDirectories } from '#agent/datadir/linked-directories.ts';
import { moveAside } from '#agent/datadir/writer-aside.ts';
import { codeOf } from '#agent/file-system.ts';
import { isMarkedFor } from '#agent/datadir/writer-marker.ts';
import { canonicalPath, isAbsent } from '#agent/datadir/writer-paths.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import type { RestoreJournal } from '#agent/restore/journal.ts';
import { oldTablespaces } from './old-tablespaces.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';
import { saveTail } from './save-tail.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';

/**
 * Everything that must be true, and everything that must be saved, before the old directory leaves its place. What is
 * moved is journalled before the first rename, so that it finds its way back even when this process dies. Throws
 * `target_running`, `target_not_empty`, `tablespace_shared`, `holds_foreign`, `system_id_of_restore`, `move_aside_failed`, what the pool throws.
 */
export async function clearPlace(
  work: RestoreWork,
  directory: string,
  journal: RestoreJournal,
): Promise<readonly Warning[]> {
  const { order } = work;
  if (isAbsent(directory)) return [];
  if (isMarkedFor(directory, order.runId)) {
    await stopLeftServer(directory);
    return [];
  }
  refuseRunning(directory);
  const warnings = proveCluster(order.plan, directory);
  warnings.push(...warnLinked(directory));
  const roots = journal.movedAside() ?? [...oldTablespaces(placesOf(order.plan), directory), directory];
  // Another instance inside would lose its place: its server, its backups and its archive look for it there.
  for (const root of roots) demandOwn(root, 'any');
  warnings.push(...(await saveTail(work, logDirectoryOf(directory))));
  reach(work.step, 'in-place.after-tail');
  // Why again: saving the log may have taken minutes, in which somebody may have opened the database.
  refuseRunning(directory);
  journal.moveAside(roots);
  reach(work.step, 'in-place.before-aside');
  // Tablespaces first: as long as the data directory stands, a repeated attempt begins with its proofs.
  for (const root of roots) moveAside(root, order.runId);
  reach(work.step, 'in-place.after-aside');
  return warnings;
}

/** The old directory keeps its links, and what they lead to; the new one has plain directories. */
function warnLinked(directory: string): readonly Warning[] {
  const links = linkedDirectories(directory);
  if (links.length === 0) return [];
  const detail = `the old directory has links (${links.join(', ')}), the restored one has plain directories: to use those disks again, close the database, move the directories there and make the links; what lies there now belongs to the old directory`;
  return [{ code: 'links_not_restored', detail }];
}

const placesOf = ({ tablespaceMap }: RestorePlan): readonly string[] => Object.values(tablespaceMap).map(canonicalPath);

/** The cluster in place must be the one of the plan. One too damaged to say who it is may be replaced: that is what restores are for. */
export function proveCluster(wanted: Pick<RestorePlan, 'systemId'>, directory: string): Warning[] {
  const path = join(directory, layoutOf(directory).files.control);
  try {
    const { systemId } = decodeControlFile(readFileSync(path), path);
    if (systemId !== wanted.systemId)
      throw fail('system_id_of_restore', { directory, found: systemId, wanted: wanted.systemId });
    return [];
  } catch (error) {
    const isUnreadable =
      codeOf(error) === 'ENOENT' || (error instanceof HoldfastError && error.code === 'control_file_damaged');
    if (!isUnreadable) throw error;
    return [
      {
        code: 'old_cluster_unknown',
        detail: `${path} could not be read, so that it is not proven whose data lies there: ${String(error)}`,
      },
    ];
  }
}
