import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { Settings } from '#core/restore/recovery/recovery-settings.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { Warning } from '#core/run/progress.ts';
import { archiveDirectoryOf } from '#agent/database/archive-directory.ts';
import { asideOf, historyFilesIn, historyFilesOf } from '#agent/datadir/writer-aside.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, isAbsent } from '#agent/datadir/writer-paths.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { clearPlace } from './clear-place.ts';
import { closedSettings, configuredValue, readMember, settleInPlace } from '#agent/restore/recovery/configure.ts';
import { giveBack } from './give-back.ts';
import type { RecoveredInPlace, RestoreJournal } from '#agent/restore/journal.ts';
import { openInPlace } from './open-in-place.ts';
import { abandonOverwritten, overwritePlace } from './overwrite-place.ts';
import { recover } from '#agent/restore/recovery/recover.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';
import { reportPhase } from '#agent/restore/report-phase.ts';
import { recoveryOf, reportOf } from '#agent/restore/restore-copy.ts';
import { releasePlaces } from './release-places.ts';
import { socketOf } from '#agent/restore/recovery/socket.ts';
import { writeTarget } from '#agent/restore/write/write-target.ts';

const closeMs = 60_000;

/**
 * Replaces the data directory of a closed instance (design §7): saves log that was not archived, moves the old directories
 * aside, restores and recovers behind a closed door, then opens with the instance's own settings and proves that the new
 * branch is archived. The old directories stay.
 */
export async function restoreInPlace(
  work: RestoreWork,
  owner: FileOwner,
  journal: RestoreJournal,
): Promise<RestoreReport> {
  const recovered = journal.recovered() ?? (await replace(work, owner, journal));
  // Why here: an attempt that died after it journalled the recovery did not come to it.
  releasePlaces(work.order);
  reach(work.step, 'in-place.before-open');
  const opened = recovered.report.isOpen
    ? await work.watch.time('open', () => openInPlace(work, owner, recovered))
    : [];
  reach(work.step, 'in-place.after-open');
  const report = {
    ...recovered.report,
    warnings: [...recovered.report.warnings, ...opened],
    secondsByPhase: { ...recovered.report.secondsByPhase, ...work.watch.secondsByPhase() },
  };
  journal.finish(report);
  return report;
}

/** Up to the recovered database, closed, with its own settings. Journalled at its end: from then on clients may write to it. */
async function replace(work: RestoreWork, owner: FileOwner, journal: RestoreJournal): Promise<RecoveredInPlace> {
  const { order, watch } = work;
  const directory = canonicalPath(order.plan.place.directory);
  const old = asideOf(directory, order.runId);
  const isDelta = order.plan.ways?.isDelta === true;
  try {
    const warnings = await watch.time('aside', () =>
      isDelta ? overwritePlace(work, directory, { owner, journal }) : clearPlace(work, directory, journal),
    );
    return await writeAndRecover({ work, owner, journal, old, warnings });
  } catch (error) {
    giveBackFailed(work, journal, error);
    throw error;
  }
}

interface Replacement {
  readonly work: RestoreWork;
  readonly owner: FileOwner;
  readonly journal: RestoreJournal;
  readonly old: string;
  readonly warnings: readonly Warning[];
}

async function writeAndRecover({ work, owner, journal, old, warnings }: Replacement): Promise<RecoveredInPlace> {
  const { order, watch } = work;
  const { plan } = order;
  const port = order.instance?.port ?? engineProfile(plan.engine).defaults.port;
  let original = '';
  const { target, restored, configFile, configured } = await writeTarget(work, {
    owner,
    addressOf: (one) => ({ port, socket: socketOf(one, port) }),
    beforeFinish: (one, outside) => {
      original = readMember(one, one.files.autoConfiguration) ?? '';
      keepHistories(one, old, configuredValue(one, outside, 'archive_command'));
    },
  });
  reportPhase(work, 'recover', restored);
  const recovered = await watch.time('recover', () => recover({ ...recoveryOf(work, target, restored), configFile }));
  await recovered.server?.stop('SIGINT', closeMs);
  settleInPlace(plan, target, { original, blanks: configured.blanks });
  const report: RestoreReport = {
    ...reportOf(work, target, recovered),
    ...(recovered.server === undefined || order.instance === undefined
      ? {}
      : { port: order.instance.port, socket: order.instance.socket }),
    ...(isAbsent(old) ? {} : { keptOldAt: old }),
    bytesWritten: restored.bytesWritten,
    filesWritten: restored.filesWritten,
    warnings: [...warnings, ...restored.warnings, ...configured.warnings, ...warnClosed(plan, configured.blanks)],
  };
  const inPlace: RecoveredInPlace = { report, ...(configFile === undefined ? {} : { configFile }) };
  journal.recover(inPlace);
  return inPlace;
}

/**
 * What cannot be continued gives the place back: the old directories return, as the operator left them. A database that
 * was recovered but not as planned is kept aside instead of being deleted. Throws `not_put_back`.
 */
function giveBackFailed(work: RestoreWork, journal: RestoreJournal, error: unknown): void {
  const { order, step } = work;
  const canContinue = error instanceof HoldfastError && error.isRetryable && !step.signal.aborted;
  if (canContinue) return;
  giveBack(journal, order.runId, error);
  abandonOverwritten(work, canonicalPath(order.plan.place.directory), journal.overwriting() !== undefined);
}

function warnClosed(plan: RestorePlan, blanks: Settings): readonly Warning[] {
  if (plan.isOpenedAfter) return [];
  const resets = Object.keys({ ...blanks, ...closedSettings(plan) }).map((name) => `ALTER SYSTEM RESET ${name};`);
  return [
    {
      code: 'recovery_settings_kept',
      detail: `the next start opens the database at its target; reset the settings of the recovery then: ${resets.join(' ')}`,
    },
  ];
}

/**
 * Branches that were never archived, or that the pool does not know yet, keep their number: the next promotion must not
 * take it again (engine.md §I).
 */
function keepHistories(target: EmptyTarget, old: string, archiveCommand = ''): void {
  const there = new Set(historyFilesOf(target.directory));
  const archive = archiveDirectoryOf(archiveCommand);
  for (const folder of [join(old, target.files.log), ...(archive === undefined ? [] : [archive])]) {
    for (const name of historyFilesIn(folder)) {
      if (!there.has(name)) target.writeFile(`${target.files.log}/${name}`, readFileSync(join(folder, name)));
      there.add(name);
    }
  }
}
