import type { KeptJob } from '#catalog/jobs.ts';
import { keptJobs } from '#catalog/jobs.ts';
import { nextRuns } from '#core/plan/next-runs.ts';
import { isTimed } from '#core/plan/plan.ts';
import type { Context } from '../context.ts';
import type { SeenSchedule } from './schedule-door.ts';
import { noteOf } from './schedule-door.ts';

export interface Reconciled {
  readonly made: number;
  readonly mended: number;
  readonly removed: number;
}

type Ports = Pick<Context, 'catalog' | 'schedules' | 'clock'>;

const atOnce = 8;
/** A plan whose last run is older than any catch-up window needs no schedule. */
const overMs = 86_400_000;

/** Makes the schedules of Temporal those of the stored plans. Throws `temporal_unreachable`, `catalog_unreachable`. */
export async function reconcile({ catalog, schedules, clock }: Ports): Promise<Reconciled> {
  // Why first: a job that is created meanwhile is in the catalog before its schedule is in the list.
  const seen = await schedules.list();
  const jobs = (await keptJobs(catalog)).filter((job) => needsSchedule(job, clock.nowMs()));
  const bySchedule = new Map(seen.map((one) => [one.scheduleId, one]));
  const wanted = new Set(jobs.map(({ id }) => schedules.idOf(id)));
  const strangers = seen.filter(({ scheduleId }) => !wanted.has(scheduleId));
  const missing = jobs.filter(({ id }) => !bySchedule.has(schedules.idOf(id)));
  const drifted = jobs.filter((job) => {
    const found = bySchedule.get(schedules.idOf(job.id));
    return found !== undefined && !isInStep(job, found, clock.nowMs());
  });
  await eachOf([...missing, ...drifted], (job) => schedules.put(job));
  await eachOf(strangers, ({ scheduleId }) => schedules.remove(scheduleId));
  return { made: missing.length, mended: drifted.length, removed: strangers.length };
}

const needsSchedule = ({ plan }: KeptJob, nowMs: number): boolean =>
  isTimed(plan) && nextRuns(plan, nowMs - overMs, 1).length > 0;

/** Judged by what a list shows: pause, the name of the spec, and that no next run of the plan is missing in the next times. */
export function isInStep(job: KeptJob, seen: SeenSchedule, nowMs: number): boolean {
  if (seen.isPaused === job.isEnabled || seen.note !== noteOf(job, nowMs)) return false;
  const [first, last] = [seen.nextMs[0], seen.nextMs[seen.nextMs.length - 1]];
  if (first === undefined || last === undefined) return nextRuns(job.plan, nowMs, 1).length === 0 || isOver(job, nowMs);
  const [due] = nextRuns(job.plan, Math.max(nowMs, first - 1), 1);
  if (due !== undefined && due <= last && !seen.nextMs.includes(due)) return false;
  // A schedule that fires from some later day on shows times of the plan alone: a run before them is one that it leaves out.
  const [soonest] = nextRuns(job.plan, nowMs + listAgeMs, 1);
  return soonest === undefined || soonest >= first;
}

/** The list of the server may be seconds old, its clock a little ahead: what is due just now is not missed by it. */
const listAgeMs = 60_000;

const isOver = ({ plan }: KeptJob, nowMs: number): boolean =>
  plan.type === 'once' && nextRuns(plan, nowMs + listAgeMs, 1).length === 0;

/** Why to the end: one schedule that the server refuses must not keep the others from being mended. Throws the first failure. */
async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  let failed: Promise<void> | undefined;
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const attempt = act(item);
      await attempt.catch(() => {
        failed ??= attempt;
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await failed;
}
