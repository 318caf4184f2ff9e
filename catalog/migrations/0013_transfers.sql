-- What a run swaps in a live instance, told by its agent before the swap and after it: it can be settled whatever became of the run.
create table transfer (
  run_id text primary key references run (id) on delete cascade,
  placed jsonb not null,
  -- False: told before the swap, and nothing was heard since. The instance itself knows, by the oids of what was placed.
  is_swapped boolean not null,
  told_at timestamptz not null default now()
);
