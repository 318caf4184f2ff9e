-- Generated from catalog/migrations by `npx vitest run catalog -u`. Do not edit.

create table api_token (
  id text not null,
  name text not null,
  role text not null,
  secret_sha256 bytea not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone
);

create table backup_set (
  id text not null,
  run_id text not null,
  pool_id text not null,
  resource_id text not null,
  system_id text not null,
  summary jsonb not null,
  ended_at timestamp with time zone not null,
  indexed_at timestamp with time zone default now() not null,
  verified_at timestamp with time zone,
  verify_report jsonb,
  type text generated always as ((summary ->> 'type'::text)) stored not null,
  base_set_id text generated always as (((summary -> 'base'::text) ->> 'setId'::text)) stored,
  full_set_id text generated always as (COALESCE(((summary -> 'base'::text) ->> 'fullSetId'::text), (summary ->> 'setId'::text))) stored not null,
  changed_pages text generated always as (((summary -> 'base'::text) ->> 'changedPages'::text)) stored,
  checked_at timestamp with time zone,
  next_piece integer default 0 not null,
  next_depth text,
  locked_until timestamp with time zone
);

create table canary (
  resource_id text not null,
  database text not null,
  static_tables jsonb not null
);

create table care_plan (
  id text not null,
  pool_id text not null,
  resource_id text not null,
  plan jsonb not null,
  deletions jsonb not null,
  made_by text not null,
  made_at timestamp with time zone not null,
  run_id text
);

create table channel (
  id text not null,
  kind text not null,
  name text not null,
  types text[] not null,
  place jsonb not null,
  sealed_secret bytea,
  sealed_former bytea,
  former_until timestamp with time zone,
  is_enabled boolean default true not null,
  disabled_why text,
  told_seq bigint not null,
  created_by text not null,
  created_at timestamp with time zone default now() not null
);

create table condition (
  type text not null,
  subject text not null,
  began_at timestamp with time zone default clock_timestamp() not null,
  data jsonb default '{}'::jsonb not null
);

create table deletion (
  id bigint generated always as identity not null,
  run_id text not null,
  pool_id text not null,
  kind text not null,
  object text not null,
  state text not null,
  claimed_at timestamp with time zone default now() not null,
  removed_at timestamp with time zone,
  done_at timestamp with time zone,
  summary jsonb
);

create table deletion_note (
  pool_id text not null,
  note_id text not null,
  system_id text not null,
  branch_id text not null,
  ranges jsonb not null
);

create table delivery (
  id text not null,
  channel_id text not null,
  event_id text not null,
  state text default 'waiting'::text not null,
  attempts integer default 0 not null,
  attempts_before integer default 0 not null,
  next_at timestamp with time zone default clock_timestamp() not null,
  leased_until timestamp with time zone,
  created_at timestamp with time zone default clock_timestamp() not null,
  ended_at timestamp with time zone
);

create table delivery_attempt (
  delivery_id text not null,
  n integer not null,
  at timestamp with time zone default clock_timestamp() not null,
  ms integer not null,
  status integer,
  error text
);

create table drill (
  run_id text not null,
  resource_id text not null,
  pool_id text not null,
  plan jsonb not null,
  planned_at timestamp with time zone default now() not null,
  is_passed boolean,
  finished_at timestamp with time zone,
  report_text text,
  report_sha256 text,
  signature text,
  public_key text,
  closed_at timestamp with time zone,
  unproven text[]
);

create table drill_policy (
  resource_id text not null,
  max_age_hours integer,
  accepted text[] default '{}'::text[] not null
);

create table drill_target (
  resource_id text not null,
  token text not null,
  marked_at timestamp with time zone default now() not null,
  marked_by text not null,
  run_id text
);

create table drilled_copy (
  resource_id text not null,
  system_id text not null,
  source_id text not null,
  source_name text not null,
  run_id text not null,
  known_until timestamp with time zone
);

create table enrolment_token (
  id text not null,
  secret_sha256 bytea not null,
  host_name text,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  host_id text
);

create table event (
  id text default ('evt_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)) not null,
  seq bigint,
  type text not null,
  at timestamp with time zone default clock_timestamp() not null,
  key text,
  run_id text,
  job_id text,
  resource_id text,
  host_id text,
  pool_id text,
  set_id text,
  data jsonb default '{}'::jsonb not null
);

create table host (
  id text not null,
  name text not null,
  hostname text not null,
  agent_version text not null,
  key_sha256 bytea not null,
  enrolled_at timestamp with time zone default now() not null,
  reported_at timestamp with time zone,
  report jsonb,
  revoked_at timestamp with time zone
);

create table idempotency_key (
  principal text not null,
  method text not null,
  path text not null,
  key text not null,
  body_sha256 bytea not null,
  status integer,
  response jsonb,
  created_at timestamp with time zone default now() not null,
  holder text default ''::text not null,
  held_at timestamp with time zone default now() not null
);

create table inspection (
  id text not null,
  host_id text not null,
  kind text not null,
  sealed_request bytea not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null
);

create table job (
  id text not null,
  kind text not null,
  name text not null,
  current_revision integer not null,
  created_at timestamp with time zone default now() not null,
  is_adhoc boolean default true not null,
  is_enabled boolean default true not null,
  deleted_at timestamp with time zone,
  enabled_at timestamp with time zone default now() not null
);

create table job_revision (
  job_id text not null,
  n integer not null,
  spec jsonb not null,
  created_at timestamp with time zone default now() not null,
  created_by text not null,
  plan jsonb,
  work jsonb
);

create table log_batch (
  id text not null,
  pool_id text not null,
  run_id text not null,
  resource_id text not null,
  system_id text not null,
  branch_id text not null,
  summary jsonb not null,
  indexed_at timestamp with time zone default now() not null,
  checked_at timestamp with time zone,
  verify_report jsonb
);

create table log_lease (
  run_id text not null,
  pool_id text not null,
  system_id text not null,
  branch_id text not null,
  from_position bigint not null,
  acquired_at timestamp with time zone default now() not null
);

create table logical_set (
  id text not null,
  pool_id text not null,
  run_id text not null,
  job_id text not null,
  resource_id text not null,
  summary jsonb not null,
  ended_at timestamp with time zone not null,
  indexed_at timestamp with time zone default now() not null,
  verified_at timestamp with time zone,
  damage text,
  removed_by text
);

create table migration (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default now() not null
);

create table pool (
  id text not null,
  name text not null,
  access text not null,
  place jsonb not null,
  is_encrypted boolean not null,
  maintenance_hosts text[] not null,
  created_at timestamp with time zone default now() not null
);

create table pool_secret (
  pool_id text not null,
  sealed_secrets bytea not null
);

create table resource (
  id text not null,
  host_id text,
  name text not null,
  engine text not null,
  system_id text not null,
  server_major integer not null,
  data_directory text not null,
  port integer not null,
  socket text not null,
  preflight jsonb,
  preflight_at timestamp with time zone,
  created_at timestamp with time zone default now() not null
);

create table resource_log_pool (
  resource_id text not null,
  pool_id text not null,
  added_at timestamp with time zone default now() not null
);

create table resource_login (
  resource_id text not null,
  user_name text not null,
  database_name text not null,
  sealed_password bytea not null,
  checked_at timestamp with time zone default now() not null,
  refused_at timestamp with time zone
);

create table retention_policy (
  pool_id text not null,
  resource_id text not null,
  policy jsonb not null,
  set_by text not null,
  set_at timestamp with time zone default now() not null
);

create table run (
  id text not null,
  job_id text not null,
  revision integer not null,
  kind text not null,
  host_id text not null,
  resource_id text,
  trigger text not null,
  state text not null,
  outcome jsonb,
  set_id text,
  started_by text not null,
  created_at timestamp with time zone default now() not null,
  began_at timestamp with time zone,
  closed_at timestamp with time zone,
  scheduled_for timestamp with time zone,
  retry_of text
);

create table run_event (
  seq bigint generated always as identity not null,
  run_id text not null,
  at timestamp with time zone not null,
  level text not null,
  message text not null
);

create table set_lease (
  run_id text not null,
  pool_id text not null,
  set_id text not null,
  acquired_at timestamp with time zone default now() not null
);

create table set_mark (
  pool_id text not null,
  set_id text not null,
  seq integer not null,
  mark jsonb not null
);

create table stream_slot (
  resource_id text not null,
  run_id text not null,
  slot text not null,
  kept_bytes bigint not null,
  kept_from text not null,
  seen_at timestamp with time zone default now() not null
);

create table target (
  resource_id text not null,
  rpo_seconds integer,
  rto_seconds integer,
  set_by text not null,
  set_at timestamp with time zone default now() not null
);

create table temporal_home (
  is_only boolean default true not null,
  namespace text not null,
  namespace_id text not null,
  recorded_at timestamp with time zone default now() not null
);

create table transfer (
  run_id text not null,
  placed jsonb not null,
  is_swapped boolean not null,
  told_at timestamp with time zone default now() not null
);

create table verification (
  run_id text not null,
  pool_id text not null,
  kind text not null,
  object text not null,
  bytes bigint not null,
  damage integer not null,
  finding jsonb,
  new_full_run text,
  at timestamp with time zone default now() not null
);

alter table api_token add constraint api_token_pkey PRIMARY KEY (id);
alter table api_token add constraint api_token_role_check CHECK ((role = ANY (ARRAY['administrator'::text, 'operator'::text, 'auditor'::text])));
alter table api_token add constraint api_token_secret_sha256_check CHECK ((length(secret_sha256) = 32));
alter table backup_set add constraint backup_set_pkey PRIMARY KEY (id, pool_id);
alter table backup_set add constraint backup_set_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table backup_set add constraint backup_set_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id);
alter table backup_set add constraint backup_set_type_check CHECK ((type = ANY (ARRAY['full'::text, 'differential'::text, 'cumulative'::text])));
alter table canary add constraint canary_pkey PRIMARY KEY (resource_id);
alter table canary add constraint canary_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table care_plan add constraint care_plan_pkey PRIMARY KEY (id);
alter table care_plan add constraint care_plan_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table care_plan add constraint care_plan_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);
alter table channel add constraint channel_check CHECK (((kind <> 'webhook'::text) OR (sealed_secret IS NOT NULL)));
alter table channel add constraint channel_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'mail'::text])));
alter table channel add constraint channel_name_key UNIQUE (name);
alter table channel add constraint channel_pkey PRIMARY KEY (id);
alter table channel add constraint channel_types_check CHECK ((cardinality(types) > 0));
alter table condition add constraint condition_pkey PRIMARY KEY (type, subject);
alter table deletion add constraint deletion_kind_check CHECK ((kind = ANY (ARRAY['set'::text, 'log'::text, 'orphan'::text])));
alter table deletion add constraint deletion_pkey PRIMARY KEY (id);
alter table deletion add constraint deletion_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table deletion add constraint deletion_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);
alter table deletion add constraint deletion_run_id_kind_object_key UNIQUE (run_id, kind, object);
alter table deletion add constraint deletion_state_check CHECK ((state = ANY (ARRAY['claimed'::text, 'removed'::text, 'done'::text, 'kept'::text])));
alter table deletion_note add constraint deletion_note_pkey PRIMARY KEY (pool_id, note_id);
alter table deletion_note add constraint deletion_note_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table delivery add constraint delivery_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channel(id) ON DELETE CASCADE;
alter table delivery add constraint delivery_event_id_fkey FOREIGN KEY (event_id) REFERENCES event(id) ON DELETE CASCADE;
alter table delivery add constraint delivery_pkey PRIMARY KEY (id);
alter table delivery add constraint delivery_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text])));
alter table delivery_attempt add constraint delivery_attempt_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES delivery(id) ON DELETE CASCADE;
alter table delivery_attempt add constraint delivery_attempt_n_check CHECK ((n > 0));
alter table delivery_attempt add constraint delivery_attempt_pkey PRIMARY KEY (delivery_id, n);
alter table drill add constraint drill_pkey PRIMARY KEY (run_id);
alter table drill add constraint drill_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table drill add constraint drill_report_sha256_key UNIQUE (report_sha256);
alter table drill add constraint drill_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id);
alter table drill add constraint drill_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id) ON DELETE CASCADE;
alter table drill_policy add constraint drill_policy_max_age_hours_check CHECK ((max_age_hours > 0));
alter table drill_policy add constraint drill_policy_pkey PRIMARY KEY (resource_id);
alter table drill_policy add constraint drill_policy_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table drill_target add constraint drill_target_pkey PRIMARY KEY (resource_id);
alter table drill_target add constraint drill_target_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table drill_target add constraint drill_target_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id) ON DELETE SET NULL;
alter table drilled_copy add constraint drilled_copy_pkey PRIMARY KEY (resource_id, system_id);
alter table drilled_copy add constraint drilled_copy_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table enrolment_token add constraint enrolment_token_host_id_fkey FOREIGN KEY (host_id) REFERENCES host(id);
alter table enrolment_token add constraint enrolment_token_pkey PRIMARY KEY (id);
alter table enrolment_token add constraint enrolment_token_secret_sha256_check CHECK ((length(secret_sha256) = 32));
alter table event add constraint event_key_key UNIQUE (key);
alter table event add constraint event_pkey PRIMARY KEY (id);
alter table event add constraint event_seq_key UNIQUE (seq);
alter table host add constraint host_key_sha256_check CHECK ((length(key_sha256) = 32));
alter table host add constraint host_name_key UNIQUE (name);
alter table host add constraint host_pkey PRIMARY KEY (id);
alter table idempotency_key add constraint idempotency_key_pkey PRIMARY KEY (principal, method, path, key);
alter table inspection add constraint inspection_host_id_fkey FOREIGN KEY (host_id) REFERENCES host(id);
alter table inspection add constraint inspection_pkey PRIMARY KEY (id);
alter table job add constraint job_kind_check CHECK ((kind = ANY (ARRAY['backup'::text, 'restore'::text, 'drill'::text, 'care'::text])));
alter table job add constraint job_pkey PRIMARY KEY (id);
alter table job_revision add constraint job_revision_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(id);
alter table job_revision add constraint job_revision_n_check CHECK ((n > 0));
alter table job_revision add constraint job_revision_pkey PRIMARY KEY (job_id, n);
alter table log_batch add constraint log_batch_pkey PRIMARY KEY (id, pool_id);
alter table log_batch add constraint log_batch_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table log_batch add constraint log_batch_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id);
alter table log_lease add constraint log_lease_pkey PRIMARY KEY (system_id, pool_id, branch_id, run_id);
alter table log_lease add constraint log_lease_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table log_lease add constraint log_lease_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);
alter table logical_set add constraint logical_set_pkey PRIMARY KEY (id);
alter table logical_set add constraint logical_set_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table logical_set add constraint logical_set_removed_by_fkey FOREIGN KEY (removed_by) REFERENCES run(id);
alter table logical_set add constraint logical_set_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id);
alter table migration add constraint migration_pkey PRIMARY KEY (name);
alter table pool add constraint pool_access_check CHECK ((access = ANY (ARRAY['local'::text, 'shared'::text])));
alter table pool add constraint pool_maintenance_hosts_check CHECK ((cardinality(maintenance_hosts) > 0));
alter table pool add constraint pool_name_key UNIQUE (name);
alter table pool add constraint pool_pkey PRIMARY KEY (id);
alter table pool_secret add constraint pool_secret_pkey PRIMARY KEY (pool_id);
alter table pool_secret add constraint pool_secret_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id) ON DELETE CASCADE;
alter table resource add constraint resource_host_id_fkey FOREIGN KEY (host_id) REFERENCES host(id);
alter table resource add constraint resource_name_key UNIQUE (name);
alter table resource add constraint resource_pkey PRIMARY KEY (id);
alter table resource_log_pool add constraint resource_log_pool_pkey PRIMARY KEY (resource_id, pool_id);
alter table resource_log_pool add constraint resource_log_pool_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table resource_log_pool add constraint resource_log_pool_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table resource_login add constraint resource_login_pkey PRIMARY KEY (resource_id);
alter table resource_login add constraint resource_login_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table retention_policy add constraint retention_policy_pkey PRIMARY KEY (resource_id, pool_id);
alter table retention_policy add constraint retention_policy_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table retention_policy add constraint retention_policy_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table run add constraint run_host_id_fkey FOREIGN KEY (host_id) REFERENCES host(id);
alter table run add constraint run_job_id_revision_fkey FOREIGN KEY (job_id, revision) REFERENCES job_revision(job_id, n);
alter table run add constraint run_pkey PRIMARY KEY (id);
alter table run add constraint run_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id);
alter table run add constraint run_retry_of_fkey FOREIGN KEY (retry_of) REFERENCES run(id);
alter table run add constraint run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text, 'succeeded'::text, 'warned'::text, 'failed'::text, 'cancelled'::text, 'skipped'::text])));
alter table run add constraint run_trigger_check CHECK ((trigger = ANY (ARRAY['manual'::text, 'schedule'::text, 'retry'::text])));
alter table run_event add constraint run_event_level_check CHECK ((level = ANY (ARRAY['debug'::text, 'info'::text, 'warn'::text, 'error'::text])));
alter table run_event add constraint run_event_pkey PRIMARY KEY (seq);
alter table run_event add constraint run_event_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id) ON DELETE CASCADE;
alter table set_lease add constraint set_lease_pkey PRIMARY KEY (set_id, pool_id, run_id);
alter table set_lease add constraint set_lease_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table set_lease add constraint set_lease_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);
alter table set_mark add constraint set_mark_pkey PRIMARY KEY (set_id, pool_id, seq);
alter table set_mark add constraint set_mark_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table set_mark add constraint set_mark_seq_check CHECK ((seq > 0));
alter table stream_slot add constraint stream_slot_pkey PRIMARY KEY (resource_id);
alter table stream_slot add constraint stream_slot_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table stream_slot add constraint stream_slot_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id) ON DELETE CASCADE;
alter table target add constraint target_check CHECK (((rpo_seconds IS NOT NULL) OR (rto_seconds IS NOT NULL)));
alter table target add constraint target_pkey PRIMARY KEY (resource_id);
alter table target add constraint target_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resource(id) ON DELETE CASCADE;
alter table target add constraint target_rpo_seconds_check CHECK (((rpo_seconds >= 60) AND (rpo_seconds <= 315360000)));
alter table target add constraint target_rto_seconds_check CHECK (((rto_seconds >= 60) AND (rto_seconds <= 315360000)));
alter table temporal_home add constraint temporal_home_is_only_check CHECK (is_only);
alter table temporal_home add constraint temporal_home_pkey PRIMARY KEY (is_only);
alter table transfer add constraint transfer_pkey PRIMARY KEY (run_id);
alter table transfer add constraint transfer_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id) ON DELETE CASCADE;
alter table verification add constraint verification_kind_check CHECK ((kind = ANY (ARRAY['set'::text, 'batch'::text])));
alter table verification add constraint verification_new_full_run_fkey FOREIGN KEY (new_full_run) REFERENCES run(id);
alter table verification add constraint verification_pkey PRIMARY KEY (run_id, kind, object);
alter table verification add constraint verification_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES pool(id);
alter table verification add constraint verification_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);

CREATE INDEX backup_set_by_base ON public.backup_set USING btree (base_set_id) WHERE (base_set_id IS NOT NULL);
CREATE INDEX backup_set_by_full ON public.backup_set USING btree (full_set_id);
CREATE INDEX backup_set_by_pool ON public.backup_set USING btree (pool_id, id);
CREATE INDEX backup_set_by_resource ON public.backup_set USING btree (resource_id, id);
CREATE INDEX backup_set_by_system_id ON public.backup_set USING btree (system_id);
CREATE INDEX care_plan_by_pool ON public.care_plan USING btree (pool_id, id);
CREATE INDEX deletion_by_object ON public.deletion USING btree (object, pool_id);
CREATE INDEX delivery_by_channel ON public.delivery USING btree (channel_id, id);
CREATE INDEX delivery_by_event ON public.delivery USING btree (event_id);
CREATE INDEX delivery_due ON public.delivery USING btree (channel_id, next_at) WHERE (state = 'waiting'::text);
CREATE INDEX drill_of_resource ON public.drill USING btree (resource_id, finished_at DESC);
CREATE INDEX event_by_at ON public.event USING btree (at);
CREATE INDEX event_by_resource ON public.event USING btree (resource_id, type, seq);
CREATE UNIQUE INDEX job_by_name ON public.job USING btree (name) WHERE ((NOT is_adhoc) AND (deleted_at IS NULL));
CREATE INDEX job_kept ON public.job USING btree (id) WHERE (NOT is_adhoc);
CREATE INDEX log_batch_by_system_id ON public.log_batch USING btree (system_id, pool_id);
CREATE INDEX logical_set_by_job ON public.logical_set USING btree (job_id, id);
CREATE INDEX logical_set_by_resource ON public.logical_set USING btree (resource_id, id);
CREATE INDEX resource_by_host ON public.resource USING btree (host_id);
CREATE INDEX resource_by_system_id ON public.resource USING btree (system_id);
CREATE INDEX run_by_job ON public.run USING btree (job_id, id);
CREATE INDEX run_by_resource ON public.run USING btree (resource_id, id);
CREATE UNIQUE INDEX run_by_schedule ON public.run USING btree (job_id, scheduled_for);
CREATE INDEX run_by_state ON public.run USING btree (state) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text]));
CREATE INDEX run_event_by_run ON public.run_event USING btree (run_id, seq);
CREATE INDEX verification_by_object ON public.verification USING btree (object, pool_id);

CREATE CONSTRAINT TRIGGER event_is_numbered_at_commit AFTER INSERT ON public.event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_event();
CREATE TRIGGER job_revision_is_immutable BEFORE DELETE OR UPDATE ON public.job_revision FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_is_moved AFTER UPDATE OF state ON public.run FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION event_of_run();
CREATE TRIGGER run_is_recorded AFTER INSERT ON public.run FOR EACH ROW EXECUTE FUNCTION event_of_run();
CREATE TRIGGER set_is_damaged AFTER UPDATE OF verify_report ON public.backup_set FOR EACH ROW WHEN (((COALESCE(jsonb_array_length((old.verify_report -> 'damage'::text)), 0) = 0) AND (COALESCE(jsonb_array_length((new.verify_report -> 'damage'::text)), 0) > 0))) EXECUTE FUNCTION event_of_verify();
CREATE TRIGGER set_is_quarantined AFTER INSERT ON public.set_mark FOR EACH ROW WHEN ((((new.mark ->> 'kind'::text) = 'quarantine'::text) AND (((new.mark ->> 'at'::text))::timestamp with time zone > (now() - '01:00:00'::interval)))) EXECUTE FUNCTION event_of_mark();
