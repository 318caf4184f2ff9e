import type { OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import { applyArchiveRetention } from '#agent/wal/archive/archive-retention.ts';
import type { RetentionDeps, RetentionReport } from '#agent/wal/archive/archive-retention.ts';

/**
 * K-080 after a full backup: deletes archived files that every pool holds. The set is committed by now, so what goes
 * wrong here is told in the log of the run and changes nothing about it.
 */
export async function tidyArchive(
  deps: RetentionDeps,
  order: OrderOf<'full-backup'>,
  set: SetSummary,
  step: StepContext,
): Promise<void> {
  const { archive, instance, options } = order;
  const directory = options.archiveDirectory;
  if (archive === undefined || directory === undefined) return;
  const request = {
    systemId: set.systemId,
    dataDirectory: instance.dataDirectory,
    directory,
    ...archive,
    retention: options.archiveRetention,
  };
  let report: RetentionReport;
  try {
    report = await applyArchiveRetention(deps, request, step);
  } catch (error) {
    // Cancelled too late: the set is committed, the files stay for the next run.
    if (!step.signal.aborted) throw error;
    step.log({ level: 'warn', message: 'cancelled after the commit: no archived file is deleted by this run' });
    return;
  }
  const { deletedFiles, warnings } = report;
  if (deletedFiles > 0)
    step.log({ level: 'info', message: `${String(deletedFiles)} archived log files deleted, all pools hold them` });
  for (const { detail } of warnings) step.log({ level: 'warn', message: detail });
}
