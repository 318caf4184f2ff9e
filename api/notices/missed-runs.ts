import type { PlannedJob } from '#catalog/runs/missed-runs.ts';
import { plannedJobs, tellMissed } from '#catalog/runs/missed-runs.ts';
import type { JobId } from '#core/id.ts';
import { instantFromMs, microsOfInstant } from '#core/instant.ts';
import { catchUpMs } from '#core/plan/catch-up.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import type { Context } from '../context.ts';

/** A firing at the very end of its window may still be on its way. */
const graceMs = 10 * 60_000;
/** How far an API that starts looks back. */
const longestMs = 7 * 86_400_000;
/** Of one job in one look. */
const mostAtOnce = 200;

/**
 * Looks for times of plans at which no run began until their catch-up window was over: Temporal or the control worker was away for
 * longer, or somebody took the schedule away. Each is told once. Returns a function that looks and says how many it told.
 */
export function openMissedRuns({ catalog, clock }: Pick<Context, 'catalog' | 'clock'>): () => Promise<number> {
  const judgedTo = new Map<JobId, number>();
  return async () => {
    let told = 0;
    for (const job of await plannedJobs(catalog)) {
      const toMs = clock.nowMs() - catchUpMs(job.kind) - graceMs;
      const fromMs = Math.max(microsOfInstant(job.since) / 1000, judgedTo.get(job.id) ?? clock.nowMs() - longestMs);
      const due = dueTimes(job, fromMs, toMs);
      const hours = String(catchUpMs(job.kind) / 3_600_000);
      const reason = `Temporal or the control worker was away for longer than the ${hours} h in which it is made up for`;
      for (const ms of due) if (await tellMissed(catalog, { job, due: instantFromMs(ms), reason })) told += 1;
      judgedTo.set(job.id, due.length < mostAtOnce ? Math.max(fromMs, toMs) : (due[due.length - 1] ?? fromMs));
    }
    return told;
  };
}

/** One after the other: asked for many at once, a rare plan would be looked through for years. */
function dueTimes({ plan }: PlannedJob, fromMs: number, toMs: number): readonly number[] {
  const found: number[] = [];
  for (let at = fromMs; at < toMs && found.length < mostAtOnce;) {
    const [next] = nextRuns(plan, at, 1);
    if (next === undefined || next > toMs) break;
    found.push(next);
    at = next;
  }
  return found;
}
