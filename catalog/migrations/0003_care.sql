-- Retention and care: who reads what, what is being deleted, marks of sets, policies and the plans that were shown.

-- A lease of a run that has ended is void: nothing has to be released, and nothing can be left behind.
create table set_lease (
  run_id text not null references run,
  pool_id text not null references pool,
  set_id text not null,
  acquired_at timestamptz not null default now(),
  primary key (set_id, pool_id, run_id)
);

-- branch_id '' means every branch: the run writes there itself.
create table log_lease (
  run_id text not null references run,
  pool_id text not null references pool,
  system_id text not null,
  branch_id text not null,
  from_position bigint not null,
  acquired_at timestamptz not null default now(),
  primary key (system_id, pool_id, branch_id, run_id)
);

-- claimed: nobody may begin to read it; removed: its commit point is gone; done: all of it is. kept: given up.
-- What was removed stays here: the pool alone does not know what there was.
create table deletion (
  id bigint generated always as identity primary key,
  run_id text not null references run,
  pool_id text not null references pool,
  kind text not null check (kind in ('set', 'log', 'orphan')),
  object text not null,
  state text not null check (state in ('claimed', 'removed', 'done', 'kept')),
  claimed_at timestamptz not null default now(),
  removed_at timestamptz,
  done_at timestamptz,
  summary jsonb,
  unique (run_id, kind, object)
);
create index deletion_by_object on deletion (object, pool_id);

-- An index of the marks in the pools, which are the truth.
create table set_mark (
  pool_id text not null references pool,
  set_id text not null,
  seq integer not null check (seq > 0),
  mark jsonb not null,
  primary key (set_id, pool_id, seq)
);

create table retention_policy (
  pool_id text not null references pool,
  resource_id text not null references resource on delete cascade,
  policy jsonb not null,
  set_by text not null,
  set_at timestamptz not null default now(),
  primary key (resource_id, pool_id)
);

create table care_plan (
  id text primary key,
  pool_id text not null references pool,
  resource_id text not null,
  plan jsonb not null,
  deletions jsonb not null,
  made_by text not null,
  made_at timestamptz not null,
  run_id text references run
);
create index care_plan_by_pool on care_plan (pool_id, id);
