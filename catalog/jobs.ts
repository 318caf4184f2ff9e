import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { JobId } from '#core/id.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { jobSpecShape } from '#core/settings/job-spec.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';

const kindOf = (spec: JobSpec): 'backup' | 'restore' | 'care' => {
  if (spec.kind === 'full-backup' || spec.kind === 'incremental-backup') return 'backup';
  if (spec.kind === 'log-backup' || spec.kind === 'log-stream' || spec.kind === 'logical-backup') return 'backup';
  return spec.kind === 'restore' || spec.kind === 'log-restore' ? 'restore' : 'care';
};

/** Stores a job with its first revision: every run has one, one-off commands too (build.md "Data model"). */
export async function addJob(
  db: Database,
  job: { id: JobId; name: string; spec: JobSpec; createdBy: string },
): Promise<void> {
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

export const jobShape = z.object({
  id: idShape('job'),
  kind: z.enum(['backup', 'restore', 'drill', 'care']),
  name: z.string(),
  /** The current revision; runs that began keep theirs. */
  revision: countShape,
  spec: jobSpecShape,
  createdBy: z.string(),
  createdAt: instantShape,
});
export type JobRow = z.output<typeof jobShape>;

const selection = `select j.id, j.kind, j.name, j.current_revision as revision, v.spec, v.created_by as "createdBy",
  j.created_at as "createdAt" from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision`;

/** Newest first. */
export async function listJobs(db: Database, page: PageRequest): Promise<Page<JobRow>> {
  const rows = await db.rows(
    jobShape,
    `${selection} where ($1::text is null or j.id < $1) order by j.id desc limit $2`,
    [page.after ?? null, page.limit + 1],
  );
  return pageOf(rows, page.limit);
}

/** Throws `job_unknown`. */
export async function getJob(db: Database, id: JobId): Promise<JobRow> {
  const [job] = await db.rows(jobShape, `${selection} where j.id = $1`, [id]);
  if (job === undefined) throw fail('job_unknown', { job: id });
  return job;
}
