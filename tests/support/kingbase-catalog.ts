/**
 * The system catalog of KingbaseES over that of PostgreSQL, run once per database of a shimmed cluster: schema `sys_catalog` with a
 * function for every `pg_…` function (the same code under another name) and a view for every `pg_…` relation.
 */
export const sysCatalog = `
create schema sys_catalog;
grant usage on schema sys_catalog to public;
do $shim$
declare one record;
begin
  for one in select pg_get_functiondef(p.oid) as text, p.proname as name from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname like 'pg\\_%' and p.prokind = 'f'
  loop
    begin
      execute replace(one.text, 'FUNCTION pg_catalog.' || one.name, 'FUNCTION sys_catalog.sys_' || substr(one.name, 4));
    exception when others then null;
    end;
  end loop;
  for one in select c.relname as name from pg_class c
    where c.relnamespace = 'pg_catalog'::regnamespace and c.relname like 'pg\\_%' and c.relkind in ('r', 'v')
  loop
    begin
      execute format('create view sys_catalog.%I as select * from pg_catalog.%I', 'sys_' || substr(one.name, 4), one.name);
      execute format('grant select on sys_catalog.%I to public', 'sys_' || substr(one.name, 4));
    exception when others then null;
    end;
  end loop;
end $shim$;
revoke execute on all functions in schema sys_catalog from public;
-- The renamed program cuts off as many characters as the name of PostgreSQL's directory has.
create or replace function sys_catalog.sys_export_snapshot() returns text language sql
  as $$ select ltrim(pg_catalog.pg_export_snapshot(), '/') $$;
`;

/** Asked by its bare name: not part of the template that new databases of a transfer are made from. */
export const licence = `create function public.get_license_validdays() returns int language sql as 'select -2'`;

/** Functions of backups under PostgreSQL's names, which are not there in the modes that are not PostgreSQL's. */
export const hiddenFunctions: readonly string[] = [
  'pg_start_backup(text, boolean, boolean)',
  'pg_stop_backup(boolean, boolean)',
  'pg_switch_wal()',
  'pg_is_in_recovery()',
  'pg_walfile_name(pg_lsn)',
  'pg_control_system()',
  'pg_control_checkpoint()',
  'pg_control_init()',
  'pg_current_wal_insert_lsn()',
];

/** Takes them away, in each database. */
export const hideFunctions = hiddenFunctions
  .map(
    (signature) => `alter function pg_catalog.${signature} rename to hidden_${signature.slice(3).replace(/\(.*/, '')};`,
  )
  .join('\n');
