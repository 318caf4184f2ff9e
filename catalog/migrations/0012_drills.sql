-- Drills: the plan that a run keeps to over all its attempts, and its signed report, chained to the one before it.

create table drill (
  run_id text primary key references run (id) on delete cascade,
  resource_id text not null references resource (id),
  pool_id text not null references pool (id),
  plan jsonb not null,
  planned_at timestamptz not null default now(),
  -- Of the report; none before the drill has ended. The text is what was signed, byte for byte.
  is_passed boolean,
  finished_at timestamptz,
  report_text text,
  report_sha256 text unique,
  signature text,
  public_key text
);
create index drill_of_resource on drill (resource_id, finished_at desc);

-- Opted in: each log backup writes a row into this database; tables whose row counts never change.
create table canary (
  resource_id text primary key references resource (id) on delete cascade,
  database text not null,
  static_tables jsonb not null
);

-- How old the last passed drill of a resource may be.
create table drill_policy (
  resource_id text primary key references resource (id) on delete cascade,
  max_age_hours integer not null check (max_age_hours > 0)
);
