import type { JobId } from '#core/id.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import type { Database } from './database.ts';

const kindOf = (spec: JobSpec): 'backup' | 'restore' | 'care' => {
  if (spec.kind === 'full-backup' || spec.kind === 'log-backup') return 'backup';
  return spec.kind === 'restore' ? 'restore' : 'care';
};

/** Stores a job with its first revision: every run has one, one-off commands too (build.md "Data model"). */
export async function addJob(db: Database, job: { id: JobId; name: string; spec: JobSpec; createdBy: string }): Promise<void> {
  await db.change('insert into job (id, kind, name, current_revision) values ($1, $2, $3, 1)', [
    job.id,
    kindOf(job.spec),
    job.name,
  ]);
  await db.change('insert into job_revision (job_id, n, spec, created_by) values ($1, 1, $2, $3)', [
    job.id,
    JSON.stringify(job.spec),
    job.createdBy,
  ]);
}
