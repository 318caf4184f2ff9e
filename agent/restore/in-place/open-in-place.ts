import { existsSync, realpathSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { bug, fail } from '#core/errors/fail.ts';
import type { Warning } from '#core/run/progress.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { openSession } from '#agent/database/session.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { serverLogBeside } from '#agent/datadir/writer-aside.ts';
import { logDirectoryOf, readPidFile } from '#agent/datadir/reader.ts';
import { worksIn } from '#agent/datadir/writer-running.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { RecoveredInPlace } from '#agent/restore/journal.ts';
import { endOfStart, startServer } from '#agent/restore/recovery/recover.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';
import { lastWords, logTail } from '#agent/restore/recovery/server-log.ts';

const archiveMs = 60_000;
const pollMs = 100;

/**
 * Opens a database that was recovered behind a closed door with its own settings, and proves that what it writes from now
 * on is archived. What cannot be proven is a warning: the database is open and right, but not protected. An attempt that
 * was killed meanwhile left the server running: it stays as it is. Throws `open_failed`, `cancelled`.
 */
export async function openInPlace(
  work: RestoreWork,
  owner: FileOwner,
  recovered: RecoveredInPlace,
): Promise<readonly Warning[]> {
  const { report } = recovered;
  if (!(await isReady(report.directory, work.step.signal))) await open(work, owner, recovered);
  return [
    {
      code: 'full_backup_due',
      detail: `the database left its former timeline for ${String(report.timeline)}: take a full backup now`,
    },
    {
      code: 'started_by_agent',
      detail: `the agent started the server, which logs to ${logOf(work, report)} unless its own settings say otherwise; hand it over to the service manager of this host when convenient`,
    },
    ...(await proveArchive(work, report)),
  ];
}

/** True once the server of this very directory says so; false when there is none. One that still starts is waited for. */
async function isReady(directory: string, signal: AbortSignal): Promise<boolean> {
  const real = realpathSync(directory);
  for (;;) {
    const left = readPidFile(directory);
    if (left === undefined || !worksIn(left.pid, real)) return false;
    if (left.status === 'ready') return true;
    if (signal.aborted) throw fail('cancelled', { what: 'the restore' });
    await pause(pollMs);
  }
}

const logOf = ({ order }: RestoreWork, { directory }: RestoreReport): string => serverLogBeside(directory, order.runId);

async function open(work: RestoreWork, owner: FileOwner, { report, configFile }: RecoveredInPlace): Promise<void> {
  const { directory } = report;
  const log = logOf(work, report);
  const server = await startServer({
    directory,
    owner,
    plan: work.order.plan,
    programs: work.programs,
    logFile: log,
    logOwner: owner,
    configFile,
  });
  const end = await endOfStart(server, { directory, signal: work.step.signal });
  if (end === 'ready') return;
  if (work.step.signal.aborted) throw fail('cancelled', { what: 'the restore' });
  throw fail('open_failed', {
    directory,
    exitCode: String(end),
    kept: report.keptOldAt ?? 'nowhere: there were none',
    log,
    lines: lastWords(logTail(log)),
  });
}

/** A switch closes the first segment of the new branch; the server marks what its archive took with a `.done` file. */
async function proveArchive({ order, step }: RestoreWork, recovered: RestoreReport): Promise<readonly Warning[]> {
  const status = join(logDirectoryOf(recovered.directory), 'archive_status');
  const history = `${recovered.timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  const isArchiving = existsSync(join(status, `${history}.ready`)) || existsSync(join(status, `${history}.done`));
  if (!isArchiving)
    return [{ code: 'archive_off', detail: 'archive_mode is off: nothing after this recovery is protected' }];
  if (recovered.reachedLsn === undefined) throw bug('a database was opened in place that reached no point');
  const first = segmentOf(recovered.timeline, recovered.reachedLsn, order.plan.segmentBytes);
  const switched = await switchLog(order.instance);
  const wanted = switched === undefined ? [history, first] : [history];
  for (let waited = 0; waited <= archiveMs && !step.signal.aborted; waited += pollMs) {
    if (wanted.every((name) => existsSync(join(status, `${name}.done`))))
      return switched === undefined ? [] : [switched];
    await pause(pollMs);
  }
  const missing = wanted.filter((name) => !existsSync(join(status, `${name}.done`)));
  return [
    {
      code: 'archive_unproven',
      detail: `${missing.join(', ')} did not reach the archive within a minute: check archive_command now`,
    },
  ];
}

/** Undefined when the log was switched, else why only the history file can be proven. */
async function switchLog(instance: RestoreWork['order']['instance']): Promise<Warning | undefined> {
  const unproven = (why: string): Warning => ({
    code: 'archive_half_proven',
    detail: `only the history file of the new branch was seen in the archive: ${why}`,
  });
  if (instance?.login === undefined) return unproven('there is no login to switch the log');
  try {
    const session = await openSession(instance);
    try {
      await session.query('select pg_switch_wal()');
      return undefined;
    } finally {
      await session.close();
    }
  } catch (error) {
    return unproven(error instanceof Error ? error.message : String(error));
  }
}
