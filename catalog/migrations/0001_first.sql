-- Ids are prefixed UUIDv7 text: they sort by time, so lists page by them. Immutable after release: write 0002 instead.

create table api_token (
  id text primary key,
  name text not null,
  role text not null check (role in ('administrator', 'operator', 'auditor')),
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

create table host (
  id text primary key,
  name text not null unique,
  hostname text not null,
  agent_version text not null,
  key_sha256 bytea not null check (length(key_sha256) = 32),
  enrolled_at timestamptz not null default now(),
  reported_at timestamptz,
  report jsonb,
  revoked_at timestamptz
);

create table enrolment_token (
  id text primary key,
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  host_name text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  host_id text references host
);

-- host_id is null for a resource that is known only from what a pool holds (catalog rebuild).
create table resource (
  id text primary key,
  host_id text references host,
  name text not null unique,
  engine text not null,
  system_id text not null,
  server_major integer not null,
  data_directory text not null,
  port integer not null,
  socket text not null,
  preflight jsonb,
  preflight_at timestamptz,
  created_at timestamptz not null default now()
);
create index resource_by_host on resource (host_id);
create index resource_by_system_id on resource (system_id);

-- Ciphertext is AES-256-GCM under the master key, which only the API holds and the catalog never sees.
create table resource_login (
  resource_id text primary key references resource on delete cascade,
  user_name text not null,
  database_name text not null,
  sealed_password bytea not null,
  checked_at timestamptz not null default now()
);

create table pool (
  id text primary key,
  name text not null unique,
  access text not null check (access in ('local', 'shared')),
  place jsonb not null,
  is_encrypted boolean not null,
  maintenance_hosts text[] not null check (cardinality(maintenance_hosts) > 0),
  created_at timestamptz not null default now()
);

create table pool_secret (
  pool_id text primary key references pool on delete cascade,
  sealed_secrets bytea not null
);

-- Target pools of log backup: an archived file is deleted only when every one of them holds it (K-080).
create table resource_log_pool (
  resource_id text not null references resource on delete cascade,
  pool_id text not null references pool,
  added_at timestamptz not null default now(),
  primary key (resource_id, pool_id)
);

create table job (
  id text primary key,
  kind text not null check (kind in ('backup', 'restore', 'drill', 'care')),
  name text not null,
  current_revision integer not null,
  created_at timestamptz not null default now()
);

create table job_revision (
  job_id text not null references job,
  n integer not null check (n > 0),
  spec jsonb not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (job_id, n)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% rows are immutable', tg_table_name;
end
$$;
create trigger job_revision_is_immutable before update or delete on job_revision
  for each row execute function refuse_change();

create table run (
  id text primary key,
  job_id text not null,
  revision integer not null,
  kind text not null,
  host_id text not null references host,
  resource_id text references resource,
  trigger text not null check (trigger in ('manual', 'schedule')),
  state text not null check
    (state in ('queued', 'running', 'paused', 'succeeded', 'warned', 'failed', 'cancelled', 'skipped')),
  outcome jsonb,
  set_id text,
  started_by text not null,
  created_at timestamptz not null default now(),
  began_at timestamptz,
  closed_at timestamptz,
  foreign key (job_id, revision) references job_revision (job_id, n)
);
create index run_by_state on run (state) where state in ('queued', 'running', 'paused');
create index run_by_resource on run (resource_id, id);

create table run_event (
  seq bigint generated always as identity primary key,
  run_id text not null references run on delete cascade,
  at timestamptz not null,
  level text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null
);
create index run_event_by_run on run_event (run_id, seq);

-- An index of what pools hold: run_id may name a run of a catalog that is gone.
create table backup_set (
  id text primary key,
  run_id text not null,
  parent_id text references backup_set,
  pool_id text not null references pool,
  resource_id text not null references resource,
  system_id text not null,
  summary jsonb not null,
  ended_at timestamptz not null,
  indexed_at timestamptz not null default now(),
  verified_at timestamptz,
  verify_report jsonb
);
create index backup_set_by_resource on backup_set (resource_id, id);
create index backup_set_by_system_id on backup_set (system_id);

create table log_batch (
  id text not null,
  pool_id text not null references pool,
  run_id text not null,
  resource_id text not null references resource,
  system_id text not null,
  branch_id text not null,
  summary jsonb not null,
  indexed_at timestamptz not null default now(),
  primary key (id, pool_id)
);
create index log_batch_by_system_id on log_batch (system_id, pool_id);

create table inspection (
  id text primary key,
  host_id text not null references host,
  kind text not null,
  sealed_request bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table idempotency_key (
  principal text not null,
  method text not null,
  path text not null,
  key text not null,
  body_sha256 bytea not null,
  status integer,
  response jsonb,
  created_at timestamptz not null default now(),
  primary key (principal, method, path, key)
);
