-- The run that has taken a drill target: only one at a time closes and replaces it.
alter table drill_target add column run_id text references run (id) on delete set null;

-- What a drill may have put into the data directory of a resource: the data, and with it the system identifier, of its source.
create table drilled_copy (
  resource_id text not null references resource (id) on delete cascade,
  system_id text not null,
  source_id text not null,
  source_name text not null,
  run_id text not null,
  -- The moment up to which it knows its source; null until a drill was told of.
  known_until timestamptz,
  primary key (resource_id, system_id)
);
