-- What a set builds on is read from its summary, so that index and summary cannot differ. A base is no foreign key: this
-- is an index of what pools hold, and a pool may have lost one.
alter table backup_set
  drop column parent_id,
  add column type text not null generated always as (summary ->> 'type') stored,
  add column base_set_id text generated always as (summary -> 'base' ->> 'setId') stored,
  add column full_set_id text not null
    generated always as (coalesce(summary -> 'base' ->> 'fullSetId', summary ->> 'setId')) stored,
  add column changed_pages text generated always as (summary -> 'base' ->> 'changedPages') stored,
  add constraint backup_set_type_check check (type in ('full', 'differential', 'cumulative'));
create index backup_set_by_base on backup_set (base_set_id) where base_set_id is not null;
create index backup_set_by_full on backup_set (full_set_id);
