import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { jobSpecShape } from '#core/settings/job-spec.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import type { JobRow } from '#catalog/jobs.ts';
import type { RunRow } from './runs.ts';
import { getRun } from './runs.ts';

const jobOfRunShape = z.object({ id: idShape('job'), name: z.string(), revision: countShape, spec: jobSpecShape });

/** The job of a run in the revision that the run has. Throws `run_unknown`. */
export async function getJobOfRun(
  db: Database,
  run: RunId,
): Promise<{ id: z.output<typeof jobOfRunShape>['id']; name: string; revision: number; spec: JobSpec }> {
  const [job] = await db.rows(
    jobOfRunShape,
    `select j.id, j.name, v.n as revision, v.spec from run r
     join job j on j.id = r.job_id join job_revision v on v.job_id = r.job_id and v.n = r.revision where r.id = $1`,
    [run],
  );
  if (job === undefined) throw fail('run_unknown', { run });
  return job;
}

/** Runs of a job for the very work that it has now: what was asked of it has not changed since, whatever else of it has. Newest first. */
export async function runsOfSameWork(
  db: Database,
  { id, revision }: Pick<JobRow, 'id' | 'revision'>,
): Promise<readonly RunRow[]> {
  const rows = await db.rows(
    z.object({ id: idShape('run') }),
    `select r.id from run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.job_id = $1 and v.work = (select work from job_revision where job_id = $1 and n = $2) order by r.id desc`,
    [id, revision],
  );
  return Promise.all(rows.map((row) => getRun(db, row.id)));
}
