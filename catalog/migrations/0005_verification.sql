-- What was read back, when, and how far a look with a budget got.
-- checked_at: every stored byte was read; verified_at also stands for a quick look.
alter table backup_set add column checked_at timestamptz;
alter table backup_set add column next_piece integer not null default 0;
update backup_set set checked_at = verified_at;
alter table log_batch add column checked_at timestamptz;
alter table log_batch add column verify_report jsonb;

-- What each scrub looked at: its budget is counted here, so that a killed run goes on where it was.
create table verification (
  run_id text not null references run,
  pool_id text not null references pool,
  kind text not null check (kind in ('set', 'batch')),
  object text not null,
  bytes bigint not null,
  damage integer not null,
  finding jsonb,
  new_full_run text references run,
  at timestamptz not null default now(),
  primary key (run_id, kind, object)
);
create index verification_by_object on verification (object, pool_id);
