import { openDueRuns } from '#catalog/runs/due-runs.ts';
import type { PlannedJob } from '#catalog/runs/missed-runs.ts';
import { plannedJobs } from '#catalog/runs/missed-runs.ts';
import type { JobId } from '#core/id.ts';
import { instantFromMs, microsOfInstant } from '#core/instant.ts';
import { catchUpMs } from '#core/plan/catch-up.ts';
import { lastRunUpTo } from '#core/plan/next-runs.ts';
import type { Context } from '../context.ts';

type Ports = Pick<Context, 'catalog' | 'schedules' | 'clock'>;

/** A firing that is on its way is left alone: thousands may be due at one minute. */
const graceMs = 120_000;

/**
 * Fires what no schedule fired: a schedule that Temporal lost, or that somebody paused or deleted, counts from the moment on at which it
 * is made again (temporal-verified §4). Of each job the last due time within its catch-up window runs, if no run of it is recorded and
 * nobody was told that it was missed. Asked once of each time by this process; a time that is fired twice makes one run all the same
 * (catalog/runs/job-runs.ts). Returns a function that looks and says how many it fired. Throws `temporal_unreachable`, `catalog_unreachable`.
 */
export function openMakeUp({ catalog, schedules, clock }: Ports): () => Promise<number> {
  const askedOf = new Map<JobId, number>();
  return async () => {
    const nowMs = clock.nowMs();
    const dues = (await plannedJobs(catalog)).flatMap((job) => {
      const dueMs = lastDue(job, nowMs);
      return dueMs === undefined || askedOf.get(job.id) === dueMs ? [] : [{ jobId: job.id, due: instantFromMs(dueMs) }];
    });
    const open = await openDueRuns(catalog, dues);
    let fired = 0;
    for (const { jobId, due } of open) {
      const dueMs = Date.parse(due);
      if (!(await schedules.fire(jobId, dueMs))) continue;
      askedOf.set(jobId, dueMs);
      fired += 1;
    }
    return fired;
  };
}

/** The last time up to now that is still made up for. */
function lastDue({ plan, since, kind }: PlannedJob, nowMs: number): number | undefined {
  const fromMs = Math.max(microsOfInstant(since) / 1000, nowMs - catchUpMs(kind));
  const last = lastRunUpTo(plan, nowMs, fromMs);
  return last === undefined || last > nowMs - graceMs ? undefined : last;
}
