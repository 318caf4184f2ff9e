import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeControlFile } from '#core/engine/control-file.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { Warning } from '#core/run/progress.ts';
import { asideOf, historyFilesOf, moveAside, putBack } from '#agent/datadir/writer-aside.ts';
import { codeOf } from '#agent/datadir/writer-errors.ts';
import { isMarkedFor } from '#agent/datadir/writer-marker.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, isAbsent } from '#agent/datadir/writer-paths.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { readMember, settleInPlace } from './configure.ts';
import type { RecoveredInPlace, RestoreJournal } from './journal.ts';
import { openInPlace } from './open-in-place.ts';
import { recover } from './recover.ts';
import type { RestoreWork } from './restore-work.ts';
import { recoveryOf, reportOf, reportReplay } from './restore-copy.ts';
import { saveTail } from './save-tail.ts';
import { socketOf } from './socket.ts';
import { stopLeftServer } from './stop-left-server.ts';
import { writeTarget } from './write-target.ts';

const auto = 'postgresql.auto.conf';
const closeMs = 60_000;

/**
 * Replaces the data directory of a closed instance (design §7): saves log that was not archived, moves the old directories
 * aside, restores and recovers behind a closed door, then opens with the instance's own settings and proves that the new
 * branch is archived. The old directories stay.
 */
export async function restoreInPlace(work: RestoreWork, owner: FileOwner, journal: RestoreJournal): Promise<RestoreReport> {
  const recovered = journal.recovered() ?? (await replace(work, owner, journal));
  const opened = recovered.report.isOpen ? await work.watch.time('open', () => openInPlace(work, owner, recovered)) : [];
  const report = { ...recovered.report, warnings: [...recovered.report.warnings, ...opened], secondsByPhase: { ...recovered.report.secondsByPhase, ...work.watch.secondsByPhase() } };
  journal.finish(report);
  return report;
}

/** Up to the recovered database, closed, with its own settings. Journalled at its end: from then on clients may write to it. */
async function replace(work: RestoreWork, owner: FileOwner, journal: RestoreJournal): Promise<RecoveredInPlace> {
  const { order, watch } = work;
  const directory = canonicalPath(order.plan.place.directory);
  const old = asideOf(directory, order.runId);
  const warnings = await watch.time('aside', () => clearPlace(work, directory));
  try {
    return await writeAndRecover({ work, owner, journal, old, warnings });
  } catch (error) {
    putBackFailed(work, error);
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
  let original = '';
  const { target, restored, configFile } = await writeTarget(work, {
    owner,
    addressOf: (one) => ({ port: order.instance?.port ?? 5432, socket: socketOf(one, order.instance?.port ?? 5432) }),
    beforeFinish: (one) => {
      original = readMember(one, auto) ?? '';
      keepHistories(one, old);
    },
  });
  reportReplay(work, restored);
  const recovered = await watch.time('recover', () => recover({ ...recoveryOf(work, target), configFile }));
  await recovered.server?.stop('SIGINT', closeMs);
  settleInPlace(plan, target, original);
  const report: RestoreReport = {
    ...reportOf(work, target, recovered),
    ...(recovered.server === undefined || order.instance === undefined ? {} : { port: order.instance.port, socket: order.instance.socket }),
    ...(isAbsent(old) ? {} : { keptOldAt: old }),
    bytesWritten: restored.bytesWritten,
    filesWritten: restored.filesWritten,
    warnings: [...warnings, ...restored.warnings],
  };
  const inPlace: RecoveredInPlace = { report, ...(configFile === undefined ? {} : { configFile }) };
  journal.recover(inPlace);
  target.release();
  return inPlace;
}

/**
 * What cannot be continued gives the place back: the old directories return, as the operator left them. A database that
 * was recovered but not as planned is kept aside instead of being deleted.
 */
function putBackFailed({ order, step }: RestoreWork, error: unknown): void {
  if (error instanceof HoldfastError && error.isRetryable && !step.signal.aborted) return;
  for (const root of rootsOf(order)) putBack(root, order.runId);
}

const rootsOf = (order: RestoreWork['order']): readonly string[] => [
  ...Object.values(order.plan.tablespaceMap).map(canonicalPath),
  canonicalPath(order.plan.place.directory),
];

/** Everything that must be true, and everything that must be saved, before the old directory leaves its place. */
async function clearPlace(work: RestoreWork, directory: string): Promise<readonly Warning[]> {
  const { order } = work;
  if (!isAbsent(directory) && isMarkedFor(directory, order.runId)) {
    await stopLeftServer(directory);
    return [];
  }
  if (isAbsent(directory)) return [];
  refuseRunning(directory);
  const warnings = proveCluster(work, directory);
  warnings.push(...(await saveTail(work, join(directory, 'pg_wal'))));
  // Tablespaces first: as long as the data directory stands, a repeated attempt begins with its proofs.
  for (const root of rootsOf(order)) moveAside(root, order.runId);
  return warnings;
}

/** The cluster in place must be the one of the plan. One too damaged to say who it is may be replaced: that is what restores are for. */
function proveCluster({ order }: RestoreWork, directory: string): Warning[] {
  const path = join(directory, 'global/pg_control');
  try {
    const { systemId } = decodeControlFile(readFileSync(path), path);
    if (systemId !== order.plan.systemId) throw fail('system_id_of_restore', { directory, found: systemId, wanted: order.plan.systemId });
    return [];
  } catch (error) {
    const isUnreadable = codeOf(error) === 'ENOENT' || (error instanceof HoldfastError && error.code === 'control_file_damaged');
    if (!isUnreadable) throw error;
    return [{ code: 'old_cluster_unknown', detail: `${path} could not be read, so that it was not proven whose data was moved aside: ${String(error)}` }];
  }
}

/** Branches that were never archived keep their number: the next promotion must not take it again (engine.md §I). */
function keepHistories(target: EmptyTarget, old: string): void {
  const there = new Set(historyFilesOf(target.directory));
  for (const name of historyFilesOf(old)) {
    if (!there.has(name)) target.writeFile(`pg_wal/${name}`, readFileSync(join(old, 'pg_wal', name)));
  }
}
