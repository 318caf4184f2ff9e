-- Outcome channels: an outbox of events, whom they are told to, what holds now, and targets of resources.

create sequence event_seq;

-- Subjects are no foreign keys: an event outlives what it speaks of. A second event with the same key is none.
create table event (
  id text primary key default 'evt_' || replace(gen_random_uuid()::text, '-', ''),
  seq bigint unique,
  type text not null,
  at timestamptz not null default clock_timestamp(),
  key text unique,
  run_id text,
  job_id text,
  resource_id text,
  host_id text,
  pool_id text,
  set_id text,
  data jsonb not null default '{}'
);
create index event_by_at on event (at);
create index event_by_resource on event (resource_id, type, seq);

-- Numbers are given at commit, one transaction after the other: who has read number n never misses a smaller one. The lock
-- is taken when the transaction does nothing else any more, so that it cannot be part of a deadlock.
create function number_event() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7465812);
  update event set seq = nextval('event_seq') where id = new.id;
  return null;
end
$$;
create constraint trigger event_is_numbered_at_commit after insert on event
  deferrable initially deferred for each row execute function number_event();

-- The event of the state in which a run is; each at most once per run.
create function tell_run(told run) returns void language sql as $$
  insert into event (type, key, run_id, job_id, resource_id, host_id, set_id, data)
  select kind, 'run:' || told.id || ':' || kind, told.id, told.job_id, told.resource_id, told.host_id, told.set_id,
    jsonb_strip_nulls(jsonb_build_object(
      'kind', told.kind, 'trigger', told.trigger, 'startedBy', told.started_by,
      'resource', (select name from resource where id = told.resource_id),
      'host', (select name from host where id = told.host_id),
      'job', (select name from job where id = told.job_id),
      'code', coalesce(told.outcome ->> 'code', told.outcome -> 'warnings' -> 0 ->> 'code'),
      'message', left(coalesce(told.outcome ->> 'message', told.outcome -> 'warnings' -> 0 ->> 'detail'), 1000),
      'warnings', jsonb_array_length(told.outcome -> 'warnings'),
      'seconds', round(extract(epoch from told.closed_at - coalesce(told.began_at, told.created_at)))))
  from (select case told.state when 'warned' then 'run.warning' when 'running' then 'run.started'
          else 'run.' || told.state end as kind) named
  where told.state <> 'paused'
  on conflict (key) do nothing
$$;

-- Why a trigger: whoever moves a run, the event is part of the same transaction and nobody can forget it.
create function event_of_run() returns trigger language plpgsql as $$
begin
  perform tell_run(new);
  return null;
end
$$;
create trigger run_is_recorded after insert on run for each row execute function event_of_run();
create trigger run_is_moved after update of state on run
  for each row when (old.state <> new.state) execute function event_of_run();

create function event_of_verify() returns trigger language plpgsql as $$
begin
  insert into event (type, resource_id, pool_id, set_id, data)
  values ('set.damaged', new.resource_id, new.pool_id, new.id, jsonb_build_object(
    'resource', (select name from resource where id = new.resource_id),
    'pool', (select name from pool where id = new.pool_id),
    'message', left(concat_ws(' ', new.verify_report -> 'damage' -> 0 ->> 'object', new.verify_report -> 'damage' -> 0 ->> 'what'), 1000)));
  return null;
end
$$;
create trigger set_is_damaged after update of verify_report on backup_set for each row
  when (coalesce(jsonb_array_length(old.verify_report -> 'damage'), 0) = 0
    and coalesce(jsonb_array_length(new.verify_report -> 'damage'), 0) > 0)
  execute function event_of_verify();

-- Marks of long ago come back when a catalog is rebuilt: they are no news.
create function event_of_mark() returns trigger language plpgsql as $$
begin
  insert into event (type, key, resource_id, pool_id, set_id, data)
  select 'set.quarantined', 'mark:' || new.set_id || ':' || new.pool_id || ':' || new.seq, s.resource_id, new.pool_id, new.set_id,
    jsonb_build_object('resource', (select name from resource where id = s.resource_id),
      'pool', (select name from pool where id = new.pool_id),
      'message', left(new.mark ->> 'text', 1000), 'startedBy', new.mark ->> 'by')
  from (select max(resource_id) as resource_id from backup_set where id = new.set_id) s
  on conflict (key) do nothing;
  return null;
end
$$;
create trigger set_is_quarantined after insert on set_mark for each row
  when (new.mark ->> 'kind' = 'quarantine' and (new.mark ->> 'at')::timestamptz > now() - interval '1 hour')
  execute function event_of_mark();

-- What holds now: told once when it begins and once when it ends.
create table condition (
  type text not null,
  subject text not null,
  began_at timestamptz not null default clock_timestamp(),
  data jsonb not null default '{}',
  primary key (type, subject)
);

-- Whom events are told to. Secrets are sealed with the master key, which only the API holds.
create table channel (
  id text primary key,
  kind text not null check (kind in ('webhook', 'mail')),
  name text not null unique,
  types text[] not null check (cardinality(types) > 0),
  place jsonb not null,
  sealed_secret bytea,
  sealed_former bytea,
  former_until timestamptz,
  is_enabled boolean not null default true,
  disabled_why text,
  -- Events up to this number have become deliveries, or are none of this channel.
  told_seq bigint not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  check (kind <> 'webhook' or sealed_secret is not null)
);

create table delivery (
  id text primary key,
  channel_id text not null references channel on delete cascade,
  event_id text not null references event on delete cascade,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
  attempts integer not null default 0,
  -- Attempts before somebody asked to deliver it again: waits between attempts begin anew.
  attempts_before integer not null default 0,
  next_at timestamptz not null default clock_timestamp(),
  -- A process that sends holds the delivery until then; one that dies leaves it to the next.
  leased_until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index delivery_due on delivery (channel_id, next_at) where state = 'waiting';
create index delivery_by_channel on delivery (channel_id, id);
create index delivery_by_event on delivery (event_id);

create table delivery_attempt (
  delivery_id text not null references delivery on delete cascade,
  n integer not null check (n > 0),
  at timestamptz not null default clock_timestamp(),
  ms integer not null,
  status integer,
  error text,
  primary key (delivery_id, n)
);

create table target (
  resource_id text primary key references resource on delete cascade,
  rpo_seconds integer check (rpo_seconds between 60 and 315360000),
  rto_seconds integer check (rto_seconds between 60 and 315360000),
  set_by text not null,
  set_at timestamptz not null default now(),
  check (rpo_seconds is not null or rto_seconds is not null)
);

-- The stored login was tried between runs and refused at this time (K-067).
alter table resource_login add column refused_at timestamptz;
