-- Who serves the request of a key, and until when it was last heard of: a key whose server died is free soon.
alter table idempotency_key add column holder text not null default '';
alter table idempotency_key add column held_at timestamptz not null default now();
