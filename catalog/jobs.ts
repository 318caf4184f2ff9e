import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { JobId, ResourceId } from '#core/id.ts';
import type { Plan } from '#core/plan/plan.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { jobSpecShape } from '#core/settings/job-spec.ts';
import { planShape } from '#core/settings/plan.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import { nearOf } from './near-names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { sqlState } from './sql-state.ts';

const kindOf = (spec: JobSpec): 'backup' | 'restore' | 'drill' | 'care' => {
  if (spec.kind === 'drill') return 'drill';
  if (spec.kind === 'full-backup' || spec.kind === 'incremental-backup') return 'backup';
  if (spec.kind === 'log-backup' || spec.kind === 'log-stream' || spec.kind === 'logical-backup') return 'backup';
  if (spec.kind === 'database-recovery' || spec.kind === 'logical-restore' || spec.kind === 'settle-transfer')
    return 'restore';
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
  /** When it runs; null for the job of a run that was started by hand. */
  plan: planShape.nullable(),
  /** What was asked for, as `POST /jobs` takes it; null for the job of a run that was started by hand. */
  work: z.record(z.string(), z.unknown()).nullable(),
  isAdHoc: z.boolean(),
  isEnabled: z.boolean(),
  deletedAt: instantShape.nullable(),
  createdBy: z.string(),
  createdAt: instantShape,
});
export type JobRow = z.output<typeof jobShape>;
/** A job that has a plan. */
export type KeptJob = JobRow & { readonly plan: Plan };
export const isKept = (job: JobRow): job is KeptJob => job.plan !== null && job.deletedAt === null;

const selection = `select j.id, j.kind, j.name, j.current_revision as revision, v.spec, v.plan, v.work,
  j.is_adhoc as "isAdHoc", j.is_enabled as "isEnabled", j.deleted_at as "deletedAt", v.created_by as "createdBy",
  j.created_at as "createdAt" from job j join job_revision v on v.job_id = j.id and v.n = j.current_revision`;

export interface JobFilter {
  /** Those of runs that were started by hand, and deleted ones, too. */
  readonly isAll?: boolean;
  readonly resourceId?: ResourceId;
}

/** Newest first. */
export async function listJobs(db: Database, page: PageRequest, filter: JobFilter = {}): Promise<Page<JobRow>> {
  const rows = await db.rows(
    jobShape,
    `${selection} where ($1::text is null or j.id < $1) and ($3 or (not j.is_adhoc and j.deleted_at is null))
       and ($4::text is null or coalesce(v.spec->>'resourceId', v.spec->>'sourceId') = $4) order by j.id desc limit $2`,
    [page.after ?? null, page.limit + 1, filter.isAll === true, filter.resourceId ?? null],
  );
  return pageOf(rows, page.limit);
}

/** Every job that has a plan. */
export async function keptJobs(db: Database): Promise<readonly KeptJob[]> {
  const rows = await db.rows(jobShape, `${selection} where not j.is_adhoc and j.deleted_at is null order by j.id`);
  return rows.filter(isKept);
}

/** By id, or by the name of a job that is kept. Throws `job_unknown`. */
export async function getJob(db: Database, idOrName: string): Promise<JobRow> {
  const [job] = await db.rows(
    jobShape,
    `${selection} where j.id = $1 or (j.name = $1 and not j.is_adhoc and j.deleted_at is null) order by j.id = $1 desc`,
    [idOrName],
  );
  if (job === undefined) throw fail('job_unknown', { job: idOrName, near: await nearOf(db, 'job', idOrName) });
  return job;
}

/** Throws `job_unknown`, `job_ad_hoc`, `job_deleted`. */
export async function getKeptJob(db: Database, idOrName: string): Promise<KeptJob> {
  const job = await getJob(db, idOrName);
  if (job.plan === null) throw fail('job_ad_hoc', { job: job.id });
  if (!isKept(job)) throw fail('job_deleted', { job: job.name });
  return job;
}

/** What a revision of a kept job says. */
export interface JobContent {
  readonly name: string;
  readonly spec: JobSpec;
  readonly plan: Plan;
  readonly work: Readonly<Record<string, unknown>>;
  readonly by: string;
}

/** Stores a job with its first revision. Throws `name_taken`. */
export async function keepJob(db: Database, id: JobId, content: JobContent, isEnabled: boolean): Promise<void> {
  await named(content.name, () =>
    db.change(
      'insert into job (id, kind, name, current_revision, is_adhoc, is_enabled) values ($1, $2, $3, 1, false, $4)',
      [...[id, kindOf(content.spec), content.name, isEnabled]],
    ),
  );
  await addRevision(db, id, 1, content);
}

/** Adds a revision to a job that is still at the given one. Throws `job_changed`, `name_taken`. */
export async function reviseJob(db: Database, id: JobId, given: number, content: JobContent): Promise<void> {
  const { name, spec } = content;
  const isTaken = await named(name, () =>
    db.change(
      `update job set current_revision = $2::int + 1, name = $3, kind = $4
       where id = $1 and current_revision = $2 and deleted_at is null`,
      [id, given, name, kindOf(spec)],
    ),
  );
  if (isTaken === 0) {
    const { revision } = await getJob(db, id);
    throw fail('job_changed', { job: name, revision: String(revision), given: String(given) });
  }
  await addRevision(db, id, given + 1, content);
}

const addRevision = (db: Database, id: JobId, n: number, { spec, plan, work, by }: JobContent): Promise<number> =>
  db.change('insert into job_revision (job_id, n, spec, plan, work, created_by) values ($1, $2, $3, $4, $5, $6)', [
    ...[id, n, JSON.stringify(spec), JSON.stringify(plan), JSON.stringify(work), by],
  ]);

const uniqueViolation = '23505';

async function named(name: string, change: () => Promise<number>): Promise<number> {
  try {
    return await change();
  } catch (cause) {
    if (sqlState(cause) === uniqueViolation) throw fail('name_taken', { name, noun: 'job' }, cause);
    throw cause;
  }
}

export async function enableJob(db: Database, id: JobId, isEnabled: boolean): Promise<void> {
  await db.change(
    'update job set is_enabled = $2, enabled_at = case when $2 and not is_enabled then now() else enabled_at end where id = $1',
    [id, isEnabled],
  );
}

/** Its runs, revisions and sets stay; its name is free again. */
export async function deleteJob(db: Database, id: JobId): Promise<void> {
  await db.change('update job set deleted_at = coalesce(deleted_at, now()), is_enabled = false where id = $1', [id]);
}
