-- A set may lie in several pools: copies are sets of their own pool, with their own retention, marks and verification.
alter table backup_set drop constraint backup_set_pkey;
alter table backup_set add primary key (id, pool_id);
create index backup_set_by_pool on backup_set (pool_id, id);
