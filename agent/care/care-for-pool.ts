import type { CareReport } from '#core/care/care-report.ts';
import type { CareTask, CollectTask, ScrubTask } from '#core/care/care-task.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { Warning } from '#core/run/progress.ts';
import { openGround } from '#agent/pools/open-store.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { scrub } from '#agent/verify/scrub.ts';
import type { CareDeps } from './care-work.ts';
import { CareWork } from './care-work.ts';
import { collectLog } from './collect-log.ts';
import { collectOrphans } from './collect-orphans.ts';
import { deleteLog } from './delete-log.ts';
import { deleteSet } from './delete-set.ts';

const hourMs = 3_600_000;

/**
 * Executes a shown plan, collects leftovers, or reads back what is stored. Safe to call again after a kill at any instant: what is gone is passed
 * over, what is claimed is claimed still. What must stay is left and named. Throws `delete_refused` when the store protects
 * an object, `cancelled`, what the pool and the channel throw.
 */
export const careForPool =
  (deps: CareDeps): HostWork['careForPool'] =>
  async (order, step) => {
    const pool = await openPoolOfStep(order.pool, step, deps.clock);
    try {
      const work = new CareWork({ deps, order, step, pool });
      if (order.task.task === 'scrub') return await scrub(work, order.task);
      const stays = await whatStays(order);
      await perform(work, order.task).catch((error: unknown) => {
        throw step.signal.aborted ? fail('cancelled', { what: 'the care of the pool' }, error) : error;
      });
      return reportOf(work, stays);
    } finally {
      await pool.close();
    }
  };

async function perform(work: CareWork, task: Exclude<CareTask, ScrubTask>): Promise<void> {
  if (task.task === 'collect') {
    await collectOrphans(work, task);
    await collectLog(work, task);
    return collectHalfWritten(work, task);
  }
  for (const setId of task.sets) {
    work.step.signal.throwIfAborted();
    await deleteSet(work, setId);
  }
  // Why: a set that stays after all may need log that the plan counted as needed by nobody.
  const isWhole = work.sets === task.sets.length;
  for (const log of task.log) {
    if (isWhole) await deleteLog(work, log);
    else work.keep(`log of ${log.systemId} on branch ${log.branchId}`, 'a set that was to go with it stays');
  }
}

/** What a killed writer left between two bytes: never listed, so no verdict is asked. */
async function collectHalfWritten(work: CareWork, task: CollectTask): Promise<void> {
  const ground = openGround(work.order.pool);
  try {
    const beforeMs = work.deps.clock.nowMs() - task.graceHours * hourMs;
    work.add(await ground.collectTemporaries({ beforeMs, isDryRun: task.isDryRun, step: work.step }));
  } finally {
    await ground.close();
  }
}

/** Object lock and versions of a bucket: what is deleted is gone for us, and still takes room. */
async function whatStays({ pool }: OrderOf<'care'>): Promise<readonly Warning[]> {
  const ground = openGround(pool);
  try {
    const why = await ground.keepsDeleted();
    return why === undefined ? [] : [{ code: 'deleted_versions_stay', detail: why }];
  } finally {
    await ground.close();
  }
}

/** A dry run names what it would leave; a run that was asked to delete and did not says so as a warning. */
function reportOf({ sets, batches, removed, kept, order }: CareWork, stays: readonly Warning[]): CareReport {
  const isDryRun = order.task.task === 'collect' && order.task.isDryRun;
  const isPlan = order.task.task === 'delete';
  const left = isPlan ? kept.map(({ what, why }) => ({ code: 'kept_after_all', detail: `${what}: ${why}` })) : [];
  const warnings = removed.objects > 0 ? [...left, ...stays] : left;
  return { sets, batches, ...removed, kept: kept.slice(0, 100), isDryRun, warnings };
}
