-- The Temporal namespace whose runs this catalog holds: an id, because every Temporal has a namespace "default".
create table temporal_home (
  is_only boolean primary key default true check (is_only),
  namespace text not null,
  namespace_id text not null,
  recorded_at timestamptz not null default now()
);
