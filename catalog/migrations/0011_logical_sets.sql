-- An index of the logical sets that pools hold. Each lies in one pool; run_id may name a run of a catalog that is gone.
create table logical_set (
  id text primary key,
  pool_id text not null references pool,
  run_id text not null,
  job_id text not null,
  resource_id text not null references resource,
  summary jsonb not null,
  ended_at timestamptz not null,
  indexed_at timestamptz not null default now(),
  verified_at timestamptz,
  -- Why the last look found it damaged; null when it was sound.
  damage text,
  -- The run that deletes it: from then on nobody begins to read it. Void when that run ended before the set was gone.
  removed_by text references run
);
create index logical_set_by_resource on logical_set (resource_id, id);
create index logical_set_by_job on logical_set (job_id, id);
