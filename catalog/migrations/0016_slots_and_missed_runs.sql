-- Replication slots that ended streams of log left on their servers, as their agents told last.
create table stream_slot (
  resource_id text primary key references resource (id) on delete cascade,
  run_id text not null references run (id) on delete cascade,
  slot text not null,
  kept_bytes bigint not null,
  kept_from text not null,
  seen_at timestamptz not null default now()
);

-- Since when a job is enabled: what was due before was not missed.
alter table job add column enabled_at timestamptz not null default now();
