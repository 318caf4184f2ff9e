-- What plans deleted of the log of a pool, as notes in the pool itself say: after a rebuild the only trace of it.
create table deletion_note (
  pool_id text not null references pool (id),
  note_id text not null,
  system_id text not null,
  branch_id text not null,
  ranges jsonb not null,
  primary key (pool_id, note_id)
);
