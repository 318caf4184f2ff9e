import { z } from 'zod';
import type { JobId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { planShape } from '#core/settings/plan.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { addEvent } from '#catalog/notices/events.ts';
import { runShape } from './runs.ts';

/** A job that runs by a plan, and since when that holds: a revision that left the plan as it was (its zone is part of it) counts as the one before. */
const plannedJobShape = z.object({
  id: idShape('job'),
  name: z.string(),
  kind: runShape.shape.kind,
  plan: planShape,
  resourceId: idShape('res').nullable(),
  since: instantShape,
});
export type PlannedJob = z.output<typeof plannedJobShape>;

/** Enabled jobs with a plan. */
export const plannedJobs = (db: Database): Promise<PlannedJob[]> =>
  db.rows(
    plannedJobShape,
    `select j.id, j.name, v.spec->>'kind' as kind, v.plan, coalesce(v.spec->>'resourceId', v.spec->>'sourceId') as "resourceId",
            greatest(j.enabled_at, (select min(s.created_at) from job_revision s where s.job_id = j.id and s.n > coalesce(
              (select max(o.n) from job_revision o where o.job_id = j.id and o.n < v.n and o.plan is distinct from v.plan), 0)
            )) as since
       from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision
      where not j.is_adhoc and j.deleted_at is null and j.is_enabled and v.plan is not null order by j.id`,
  );

/** Names the event that tells of it. */
export const missedKey = ({ jobId, due }: { readonly jobId: JobId; readonly due: Instant }): string =>
  `schedule.missed:${jobId}:${due}`;

/** A due time of a job for which no run began. */
export interface MissedRun {
  readonly job: Pick<PlannedJob, 'id' | 'name' | 'resourceId'>;
  readonly due: Instant;
  /** Why, in words. */
  readonly reason: string;
}

/** Tells of it once, however often it is found; not when a run of that time is recorded. False when nothing was told. */
export async function tellMissed(db: Database, { job, due, reason }: MissedRun): Promise<boolean> {
  const runs = await db.rows(
    z.object({ n: countShape }),
    'select 1 as n from run where job_id = $1 and scheduled_for = $2',
    [job.id, due],
  );
  if (runs.length > 0) return false;
  return addEvent(db, {
    ...{ type: 'schedule.missed', key: missedKey({ jobId: job.id, due }), jobId: job.id },
    ...(job.resourceId === null ? {} : { resourceId: job.resourceId }),
    data: {
      job: job.name,
      due,
      reason,
      message: `the run of ${job.name} that was due at ${due} never began: ${reason}`,
    },
  });
}

/** How many missed runs of each job are in the events that are kept. */
export const missedCounts = (db: Database): Promise<{ readonly job: string; readonly count: number }[]> =>
  db.rows(
    z.object({ job: z.string(), count: countShape }),
    `select data->>'job' as job, count(*)::int as count from event where type = 'schedule.missed' group by 1 order by 1`,
  );
