-- Jobs that are kept: named, planned, revised. A run that was started by hand has an ad-hoc job, which lists leave out.
alter table job add column is_adhoc boolean not null default true;
alter table job add column is_enabled boolean not null default true;
alter table job add column deleted_at timestamptz;
create unique index job_by_name on job (name) where not is_adhoc and deleted_at is null;
create index job_kept on job (id) where not is_adhoc;

-- `work` is what was asked for, from which `spec` was made: an edit changes parts of it.
alter table job_revision add column plan jsonb;
alter table job_revision add column work jsonb;

-- The time of the plan that a run belongs to: however often a schedule fires for it, it is one run.
alter table run add column scheduled_for timestamptz;
create unique index run_by_schedule on run (job_id, scheduled_for);
create index run_by_job on run (job_id, id);
