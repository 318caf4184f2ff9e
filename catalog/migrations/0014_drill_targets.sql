-- Instances that drills may replace: consented to once, and marked in their data directory with the same token.
create table drill_target (
  resource_id text primary key references resource (id) on delete cascade,
  token text not null,
  marked_at timestamptz not null default now(),
  marked_by text not null
);
