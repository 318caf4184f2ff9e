import { fail } from '#core/errors/fail.ts';
import type { ResourceId } from '#core/id.ts';
import type { Warning } from '#core/run/progress.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { saveLogTail } from '#agent/wal/save-log-tail.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';

/**
 * Saves log of the old instance that no pool holds yet, before its directory is moved aside: with it, every point up to
 * the last record stays reachable. The plan was made before and does not use it.
 */
export async function saveTail(
  { deps, order, pool, step }: RestoreWork,
  logDirectory: string,
): Promise<readonly Warning[]> {
  const { plan, runId } = order;
  if (isAbsent(logDirectory))
    return [{ code: 'log_tail_unsaved', detail: `${logDirectory} does not exist: log that was not archived is lost` }];
  const { channel, newId } = deps;
  const request = { logDirectory, systemId: plan.systemId };
  const batches = { pool, channel, newId, runId, resourceId: resourceOf(order), demandOpen: step.demandOpen };
  const saved = await saveLogTail(batches, request, step);
  if (saved.segments > 0)
    step.log({
      level: 'info',
      message: `saved ${String(saved.segments)} log files of the old instance that were not in the pool`,
    });
  return saved.warnings;
}

function resourceOf({ plan, instance }: RestoreWork['order']): ResourceId {
  if (plan.place.kind === 'in-place') return plan.place.resourceId;
  if (instance !== undefined) return instance.resourceId;
  throw fail('target_unclear', { found: 'a restore in place names no resource' });
}
