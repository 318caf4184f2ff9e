import type { OrderOf } from '#core/agent/order.ts';
import type { Compression } from '#core/agent/order.ts';
import { canaryImpossible, canaryNotWritten } from '#core/drill/expect-canary.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { AgentChannel, HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { LogReport } from '#core/restore/report.ts';
import type { Warning } from '#core/run/progress.ts';
import { diskNow, transferNow } from '#core/run/rate.ts';
import { historyName } from '#core/wal/history-file.ts';
import { fastLevel } from '#agent/codec/zstd.ts';
import { codeOf } from '#agent/file-system.ts';
import { writeCanary } from '#agent/drill/write-canary.ts';
import { logDirectoryOf } from '#agent/datadir/reader.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { takeTokens, withRateLimit } from '#agent/pools/rate-limit.ts';
import { patienceOf } from '#agent/pools/retry.ts';
import type { ArchiveListing } from './archive/archive-folder.ts';
import { listArchive } from './archive/archive-folder.ts';
import { applyArchiveRetention } from './archive/archive-retention.ts';
import { backUpBranch } from './back-up-branch.ts';
import { LogTally } from './log-tally.ts';
import type { NeededLog } from './needed-log.ts';
import { openBranch, timelinesIn } from './open-branches.ts';
import type { LogSwitch } from './switch-log.ts';
import { switchLog } from './switch-log.ts';

export interface LogBackupDeps {
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly channel: Pick<AgentChannel, 'putBatch'>;
  readonly neededLog: NeededLog;
}

type Order = OrderOf<'log-backup'>;

/**
 * Backs up archived log (design §6, K-049, D-012): closes the current segment, checks every file of the archive to its
 * last record, stores and commits what the first pool does not hold, then applies the retention of archived files
 * (K-080). Safe to call again after a kill at any instant. Throws `archive_directory_unknown`,
 * `archive_directory_missing`, `archive_directory_unreadable`, and after everything good is committed and with no file deleted: `log_damaged`,
 * `log_foreign`, `log_name_mismatch`, `log_duplicate_differs`, `log_deleted_differs`, `log_history_missing`, `log_history_damaged`.
 */
export const takeLogBackup =
  (deps: LogBackupDeps): HostWork['takeLogBackup'] =>
  async (order, step) => {
    const [access] = order.pools;
    if (access === undefined)
      throw fail('value_malformed', { text: '[]', what: 'list of pools', expected: 'at least one pool' });
    const { clock } = deps;
    const canary = await canaryOf(order, step);
    const switched = await switchLog({
      instance: order.instance,
      archiveDirectory: order.options.archiveDirectory,
      clock,
      step,
    });
    reach(step, 'log.after-switch');
    const directory = order.options.archiveDirectory ?? switched.archiveDirectory;
    if (directory === undefined) throw fail('archive_directory_unknown', { resource: order.instance.resourceId });
    const archive = listArchive(directory);
    const tally = new LogTally(step, archive.segments.length);
    for (const warning of [...switched.warnings, ...canary.warnings]) tally.warn(warning);
    warnOfUnknown(archive, tally);
    const pool = await openPool(access, patienceOf(step));
    try {
      await backUpBranches({ deps, order, step, archive, tally, closed: switched.closed, pool });
    } finally {
      await pool.close();
    }
    const [problem] = tally.problems;
    if (problem !== undefined) throw problem;
    return { ...(await report(deps, { order, step, directory, tally })), ...canary.written };
  };

interface CanaryOfBackup {
  readonly written: Pick<LogReport, 'canary'>;
  readonly warnings: readonly Warning[];
}

/** A canary that cannot be written is a warning: the log is worth more than the proof. */
async function canaryOf({ canary, instance, runId }: Order, step: StepContext): Promise<CanaryOfBackup> {
  if (canary === undefined) return { written: {}, warnings: [] };
  const warnings: Warning[] = [];
  const warn = (warning: Warning): void => void warnings.push(warning);
  try {
    return { written: { canary: await writeCanary(instance, canary, runId, { signal: step.signal, warn }) }, warnings };
  } catch (error) {
    if (!(error instanceof HoldfastError) || step.signal.aborted) throw error;
    const why = { code: codeOfRefusal(error), detail: `${error.message} (${error.code})` };
    return { written: {}, warnings: [...warnings, why] };
  }
}

/** SQLSTATE read_only_sql_transaction: a standby, or a login whose transactions only read. */
const readOnlyState = '25006';

const codeOfRefusal = (error: HoldfastError): string =>
  error.code === 'privilege_missing' || codeOf(error.cause) === readOnlyState ? canaryImpossible : canaryNotWritten;

interface Work {
  readonly deps: LogBackupDeps;
  readonly order: Order;
  readonly step: StepContext;
  readonly archive: ArchiveListing;
  readonly tally: LogTally;
  readonly closed: LogSwitch['closed'];
  readonly pool: Pool;
}

async function backUpBranches({ deps, order, step, archive, tally, closed, pool }: Work): Promise<void> {
  const { runId, instance } = order;
  const { systemId, dataDirectory, resourceId } = instance;
  const bucket = createTokenBucket(() => transferNow(step.limits()), deps.clock);
  const disk = createTokenBucket(() => diskNow(step.limits()), deps.clock);
  const hasRead = (bytes: number): Promise<void> => takeTokens(disk, bytes, step.signal);
  const paced = { ...pool, store: withRateLimit(pool.store, bucket, step.signal) };
  const batchDeps = {
    ...{ pool: paced, channel: deps.channel, newId: deps.newId, runId, resourceId },
    ...{ demandOpen: step.demandOpen, faults: step.faults },
  };
  const own = { logDirectory: logDirectoryOf(dataDirectory) };
  let refused: SegmentOfBatch | undefined;
  for (const timeline of timelinesIn(archive)) {
    const branch = await openBranch({ archive, dataDirectory, systemId, pool }, timeline).catch((error: unknown) => {
      if (!(error instanceof HoldfastError) || !error.code.startsWith('log_history_')) throw error;
      tally.problem(error, historyName(timeline));
    });
    if (branch === undefined) continue;
    const level = levelOf(order.options.compression);
    const rest = { archive, branch, closed, level, tally, hasRead, refused };
    refused = await backUpBranch({ order, step, deps: batchDeps, ...own, ...rest });
  }
}

/** zstd level of an option; 0 stores as it is. */
export const levelOf = (compression: Compression): number =>
  compression.mode === 'none' ? 0 : compression.mode === 'fast' ? fastLevel : compression.level;

function warnOfUnknown(archive: ArchiveListing, tally: LogTally): void {
  const { unknown, directory } = archive;
  if (unknown.length === 0) return;
  const names = `${unknown.slice(0, 10).join(', ')}${unknown.length > 10 ? ` and ${String(unknown.length - 10)} more` : ''}`;
  tally.warn({
    code: 'archive_file_unknown',
    detail: `${directory} holds files that are no log and are left alone: ${names}`,
  });
}

async function report(
  deps: LogBackupDeps,
  { order, step, directory, tally }: { order: Order; step: StepContext; directory: string; tally: LogTally },
): Promise<LogReport> {
  const { instance, pools, neededFrom, options } = order;
  const kept = await applyArchiveRetention(
    deps,
    {
      systemId: instance.systemId,
      dataDirectory: instance.dataDirectory,
      directory,
      pools,
      neededFrom,
      retention: options.archiveRetention,
    },
    step,
  );
  const { segments, rawBytes, storedBytes, batches, warnings } = tally;
  return {
    segments,
    rawBytes,
    storedBytes,
    batches,
    deletedFiles: kept.deletedFiles,
    warnings: [...warnings, ...kept.warnings],
  };
}
