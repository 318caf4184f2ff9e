import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import type { DrillTargetOfOrder } from '#core/drill/drill-target.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { DrillTalk } from '#core/ports/host-work.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { inPlaceOf } from '#core/restore/scratch-place.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { refuseLinked } from '#agent/datadir/linked-directories.ts';
import { removeTree } from '#agent/datadir/remove-tree.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { asideOf, moveAside } from '#agent/datadir/writer-aside.ts';
import { demandDrillMark, writeDrillMark } from '#agent/datadir/writer-drill-mark.ts';
import { isMarkedFor, readMarker } from '#agent/datadir/writer-marker.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, isAbsent, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';
import { demandOwnTarget, ownerOfDirectory, provenApart, refuseOwnSpaces, spacesOf } from './drill-target.ts';
import { refuseUnmovable } from './refuse-unmovable.ts';
import type { TargetNote } from './target-note.ts';
import { begunTargets, readNote, removeNote, writeNote } from './target-note.ts';

/** Where a drill restores, and as whom. */
export interface TakenPlace {
  readonly plan: RestorePlan;
  readonly owner: FileOwner;
}

type DrillOrder = OrderOf<'drill'>;

/**
 * Takes the place of a marked instance for a drill: proves that it is that instance and no other, closes it and moves its directory
 * aside. Everything is refused before anything is touched; its mark, here and in the catalog, is looked at right before the server is
 * closed and again before the directory is moved. Safe to call again. Throws `drill_target_unmarked`, `drill_target_is_source`,
 * `drill_target_nested`, `holds_foreign`, `drill_target_spaces`, `drill_target_unmovable`, `place_linked`, `drill_target_in_use`, `target_of_other_run`, `space_too_little`, `target_running`, `move_aside_failed`,
 * `order_refused`.
 */
export async function takeTarget(
  home: string,
  order: DrillOrder,
  target: DrillTargetOfOrder,
  talk: Pick<DrillTalk, 'confirmTarget'>,
): Promise<TakenPlace> {
  const directory = provenApart(withSource(order, target));
  const aside = asideOf(directory, order.runId);
  if (isAbsent(aside)) await vacate(home, { order, target, directory, talk });
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
  readonly talk: Pick<DrillTalk, 'confirmTarget'>;
}

async function vacate(home: string, vacating: Vacating): Promise<void> {
  const { order, target, directory } = vacating;
  const { runId, plan } = order;
  const { resourceId, token, afterwards } = target;
  const spaces = spacesOf(directory);
  if (isAbsent(directory)) throw fail('drill_target_unmarked', { target: directory, why: 'it does not exist' });
  isMarkedFor(directory, runId);
  demandDrillMark(directory, { resourceId, token });
  refuseOwnSpaces(directory);
  refuseLinked(directory);
  refuseUnmovable(directory, spaces);
  demandOwnTarget(directory);
  if (!hasSpacesIn(directory)) refuseNotEmpty(spaces);
  refuseTooLittleSpace([{ path: directory, bytes: plan.rawBytes }]);
  await writeNote(home, runId, { directory, mark: { resourceId, token }, afterwards, isTold: false });
  refuseOthers(home, runId, directory);
  await demandConsent(vacating);
  await stopLeftServer(directory, 'SIGINT');
  refuseRunning(directory);
  // Why again: closing takes up to half a minute, in which the run may end and its target be freed.
  await demandConsent(vacating);
  demandOwnTarget(directory);
  moveAside(spaces, runId);
  moveAside(directory, runId);
}

/** The mark stands in the catalog and, looked at last, in the directory. */
async function demandConsent({ target: { resourceId, token }, directory, talk }: Vacating): Promise<void> {
  await talk.confirmTarget(token);
  demandDrillMark(directory, { resourceId, token });
}

/** A run that ended before its place was settled still has that place. Looked for after the own note is there: one of two runs sees it. */
function refuseOthers(home: string, runId: RunId, directory: string): void {
  const other = begunTargets(home).find((one) => one !== runId && readNote(home, one)?.directory === directory);
  if (other === undefined) return;
  throw fail('drill_target_in_use', { target: directory, run: other });
}

/** True when a drill before put tablespaces there. */
const hasSpacesIn = (directory: string): boolean => {
  const spaces = spacesOf(directory);
  return !isAbsent(spaces) && readdirSync(spaces).every((name) => /^[0-9]+$/.test(name));
};

/**
 * Ends a drill that was told of: the restored instance gets the mark, is closed or left open as the policy says, and the old directory
 * goes, because it carries the mark. Safe to call again. Throws `target_running`, `drill_target_unmarked`, `holds_foreign` with both kept.
 */
export async function settleTarget(home: string, runId: RunId): Promise<void> {
  const note = readNote(home, runId);
  if (note === undefined) return;
  const { directory, mark, afterwards } = note;
  if (!note.isTold) await writeNote(home, runId, { ...note, isTold: true });
  writeDrillMark(directory, mark, ownerOfDirectory(directory));
  for (const old of [asideOf(directory, runId), asideOf(spacesOf(directory), runId), goneOf(directory, runId)])
    demandOwn(old);
  if (afterwards === 'close') await stopLeftServer(directory, 'SIGINT');
  const aside = asideOf(directory, runId);
  await removeTree(asideOf(spacesOf(directory), runId));
  if (!isAbsent(aside)) {
    demandDrillMark(aside, mark, directory);
    rename(aside, goneOf(directory, runId));
  }
  await end(home, runId, directory);
}

/** Name of what is being removed: a removal that was killed has lost whatever said whose it is. */
const goneOf = (path: string, runId: RunId): string => `${path}.gone-${runId}`;

/**
 * Gives the place back: what the drill restored goes, the marked instance returns as it was, closed. A drill whose report is stored is
 * settled instead: the catalog says by it that the copy stays. Safe to call again. Throws `target_not_empty`, `drill_target_unmarked`,
 * `target_running`, `holds_foreign` with everything kept, what asking for the report throws.
 */
export async function giveTargetBack(
  home: string,
  runId: RunId,
  { closeReport }: Pick<DrillTalk, 'closeReport'>,
): Promise<void> {
  const note = readNote(home, runId);
  if (note === undefined) return;
  if (note.isTold || (note.isTelling === true && (await closeReport()))) return settleTarget(home, runId);
  await putBack(home, runId, note);
  await end(home, runId, note.directory);
}

async function putBack(home: string, runId: RunId, { directory, mark }: TargetNote): Promise<void> {
  const [aside, spaces] = [asideOf(directory, runId), spacesOf(directory)];
  const oldSpaces = asideOf(spaces, runId);
  if (isAbsent(aside)) {
    rename(oldSpaces, spaces);
    return;
  }
  demandDrillMark(aside, mark, directory);
  const isThere = !isAbsent(directory);
  for (const one of [directory, spaces, goneOf(directory, runId)]) demandOwn(one);
  if (isThere) await closeOurs(home, runId, directory);
  // Without both of these the tablespaces there are the old ones, which came back already.
  if (isThere || !isAbsent(oldSpaces)) await removeTree(spaces);
  if (isThere) rename(directory, goneOf(directory, runId));
  rename(oldSpaces, spaces);
  rename(aside, directory);
}

/** Only what this run wrote there goes: marked as unfinished, or named by its journal. */
async function closeOurs(home: string, runId: RunId, directory: string): Promise<void> {
  const finished = openRestoreJournal(home, runId).finished()?.directory;
  const isOurs = readMarker(directory) === runId || (finished !== undefined && canonicalPath(finished) === directory);
  if (!isOurs) refuseNotEmpty(directory);
  await stopLeftServer(directory);
}

function rename(from: string, to: string): void {
  if (!existsSync(from)) return;
  renameSync(from, to);
  syncDirectory(dirname(to));
}

async function end(home: string, runId: RunId, directory: string): Promise<void> {
  // Renamed in between, and what a killed removal left.
  demandOwn(goneOf(directory, runId));
  await removeTree(goneOf(directory, runId));
  const journal = openRestoreJournal(home, runId);
  journal.forget();
  journal.end();
  removeNote(home, runId);
}
