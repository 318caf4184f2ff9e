import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import type { DrillTargetOfOrder } from '#core/drill/drill-target.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { RestorePlan } from '#core/restore/plan.ts';
import { inPlaceOf } from '#core/restore/scratch-place.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { removeTree } from '#agent/datadir/remove-tree.ts';
import { asideOf, moveAside } from '#agent/datadir/writer-aside.ts';
import { demandDrillMark, writeDrillMark } from '#agent/datadir/writer-drill-mark.ts';
import { isMarkedFor, readMarker } from '#agent/datadir/writer-marker.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, isAbsent, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';
import { stopLeftServer } from '#agent/restore/stop-left-server.ts';
import { ownerOfDirectory, provenApart, refuseOwnSpaces, spacesOf } from './drill-target.ts';
import type { TargetNote } from './target-note.ts';
import { readNote, removeNote, writeNote } from './target-note.ts';

/** Where a drill restores, and as whom. */
export interface TakenPlace {
  readonly plan: RestorePlan;
  readonly owner: FileOwner;
}

type DrillOrder = OrderOf<'drill'>;

/**
 * Takes the place of a marked instance for a drill: proves that it is that instance and no other, closes it and moves its directory
 * aside. Everything is refused before anything is touched. Safe to call again. Throws `drill_target_unmarked`,
 * `drill_target_is_source`, `drill_target_spaces`, `target_of_other_run`, `space_too_little`, `target_running`, `move_aside_failed`.
 */
export async function takeTarget(home: string, order: DrillOrder, target: DrillTargetOfOrder): Promise<TakenPlace> {
  const directory = provenApart(withSource(order, target));
  const aside = asideOf(directory, order.runId);
  if (isAbsent(aside)) await vacate(home, { order, target, directory });
  const place = { directory, spaces: spacesOf(directory), port: target.port };
  return { plan: inPlaceOf(order.plan, place), owner: ownerOfDirectory(aside) };
}

const withSource = ({ sourceDirectory }: DrillOrder, { dataDirectory, others }: DrillTargetOfOrder) => ({
  dataDirectory,
  others: sourceDirectory === undefined ? others : [...others, sourceDirectory],
});

interface Vacating {
  readonly order: DrillOrder;
  readonly target: DrillTargetOfOrder;
  readonly directory: string;
}

async function vacate(home: string, { order, target, directory }: Vacating): Promise<void> {
  const { runId, plan } = order;
  const { resourceId, token, afterwards } = target;
  const spaces = spacesOf(directory);
  if (isAbsent(directory)) throw fail('drill_target_unmarked', { target: directory, why: 'it does not exist' });
  isMarkedFor(directory, runId);
  demandDrillMark(directory, { resourceId, token });
  refuseOwnSpaces(directory);
  if (!hasSpacesIn(directory)) refuseNotEmpty(spaces);
  refuseTooLittleSpace([{ path: directory, bytes: plan.rawBytes }]);
  await writeNote(home, runId, { directory, mark: { resourceId, token }, afterwards, isTold: false });
  await stopLeftServer(directory, 'SIGINT');
  refuseRunning(directory);
  moveAside(spaces, runId);
  moveAside(directory, runId);
}

/** True when a drill before put tablespaces there. */
const hasSpacesIn = (directory: string): boolean => {
  const spaces = spacesOf(directory);
  return !isAbsent(spaces) && readdirSync(spaces).every((name) => /^[0-9]+$/.test(name));
};

/**
 * Ends a drill that was told of: the restored instance gets the mark, is closed or left open as the policy says, and the old directory
 * goes, because it carries the mark. Safe to call again. Throws `target_running`, `drill_target_unmarked`.
 */
export async function settleTarget(home: string, runId: RunId): Promise<void> {
  const note = readNote(home, runId);
  if (note === undefined) return;
  const { directory, mark, afterwards } = note;
  if (!note.isTold) await writeNote(home, runId, { ...note, isTold: true });
  writeDrillMark(directory, mark, ownerOfDirectory(directory));
  if (afterwards === 'close') await stopLeftServer(directory, 'SIGINT');
  const aside = asideOf(directory, runId);
  await removeTree(asideOf(spacesOf(directory), runId));
  if (!isAbsent(aside)) demandDrillMark(aside, mark, directory);
  await removeTree(aside);
  end(home, runId);
}

/**
 * Gives the place back: what the drill restored goes, the marked instance returns as it was, closed. A drill that was told of is
 * settled instead. Safe to call again. Throws `target_not_empty`, `drill_target_unmarked`, `target_running`.
 */
export async function giveTargetBack(home: string, runId: RunId): Promise<void> {
  const note = readNote(home, runId);
  if (note?.isTold === true) return settleTarget(home, runId);
  if (note === undefined) return;
  await putBack(home, runId, note);
  end(home, runId);
}

async function putBack(home: string, runId: RunId, { directory, mark }: TargetNote): Promise<void> {
  const aside = asideOf(directory, runId);
  const spaces = spacesOf(directory);
  if (!isAbsent(aside)) {
    demandDrillMark(aside, mark, directory);
    if (!isAbsent(directory)) await removeOurs(home, runId, directory);
    // Why before the data directory: once that is back, nothing says any more whose these are.
    await removeTree(spaces);
    rename(asideOf(spaces, runId), spaces);
    rename(aside, directory);
  } else rename(asideOf(spaces, runId), spaces);
}

/** Only what this run wrote there: marked as unfinished, or named by its journal. */
async function removeOurs(home: string, runId: RunId, directory: string): Promise<void> {
  const finished = openRestoreJournal(home, runId).finished()?.directory;
  const isOurs = readMarker(directory) === runId || (finished !== undefined && canonicalPath(finished) === directory);
  if (!isOurs) refuseNotEmpty(directory);
  await stopLeftServer(directory);
  await removeTree(directory);
}

function rename(from: string, to: string): void {
  if (!existsSync(from)) return;
  renameSync(from, to);
  syncDirectory(dirname(to));
}

function end(home: string, runId: RunId): void {
  const journal = openRestoreJournal(home, runId);
  journal.forget();
  journal.end();
  removeNote(home, runId);
}
