import { catalogOid } from '#core/engine/catalog-oids.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { dependentsOfOids } from './table-facts.ts';

const relationsQuery = `
  select c.oid::text as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`;

/** What outside of a schema uses its functions, types or sequences; relations are asked for by themselves. */
const usersQuery = `
  with home as (select oid from pg_namespace where nspname = $1)
  select 'trigger ' || t.tgname || ' of ' || t.tgrelid::regclass::text as name from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
   where not t.tgisinternal and p.pronamespace in (select oid from home) and c.relnamespace not in (select oid from home)
  union select 'column ' || a.attname || ' of ' || a.attrelid::regclass::text from pg_attribute a
    join pg_type y on y.oid = a.atttypid join pg_class c on c.oid = a.attrelid
   where not a.attisdropped and y.typnamespace in (select oid from home) and c.relnamespace not in (select oid from home)
     and c.relkind in ('r', 'p', 'f', 'm')
  union select 'default in ' || f.adrelid::regclass::text from pg_attrdef f join pg_class c on c.oid = f.adrelid
    join pg_depend d on d.objid = f.oid and d.classid = ${catalogOid.pg_attrdef}
   where c.relnamespace not in (select oid from home)
     and ((d.refclassid = ${catalogOid.pg_proc}
           and d.refobjid in (select p.oid from pg_proc p where p.pronamespace in (select oid from home)))
       or (d.refclassid = ${catalogOid.pg_class}
           and d.refobjid in (select s.oid from pg_class s where s.relnamespace in (select oid from home))))
  order by 1`;

/**
 * What `drop schema … cascade` would take along outside of the schema, by the server's own book of dependencies (PostgreSQL manual
 * "pg_depend"): functions in policies, checks, expression indexes and views; operators, domains; extensions that live there.
 */
const doomedQuery = `
  with recursive home as (select oid from pg_namespace where nspname = $1),
  doomed(classid, objid) as (
    select ${catalogOid.pg_namespace}::oid, oid from home
    union select d.classid, d.objid from pg_depend d join doomed x on d.refclassid = x.classid and d.refobjid = x.objid
  )
  select distinct pg_describe_object(x.classid, x.objid, 0) as name from doomed x
    left join lateral (select case x.classid
      when ${catalogOid.pg_trigger} then (select tgrelid from pg_trigger where oid = x.objid)
      when ${catalogOid.pg_rewrite} then (select ev_class from pg_rewrite where oid = x.objid)
      when ${catalogOid.pg_policy} then (select polrelid from pg_policy where oid = x.objid)
      when ${catalogOid.pg_attrdef} then (select adrelid from pg_attrdef where oid = x.objid)
    end as relation) of on true
    left join lateral (select case
      when of.relation is not null then (select relnamespace from pg_class where oid = of.relation)
      when x.classid = ${catalogOid.pg_constraint} then (select connamespace from pg_constraint where oid = x.objid)
      else (select oid from pg_namespace where quote_ident(nspname) = (pg_identify_object(x.classid, x.objid, 0)).schema)
    end as place) at on true
   where x.classid not in (${catalogOid.pg_namespace}, ${catalogOid.pg_default_acl}, ${catalogOid.pg_publication_rel})
     and at.place is distinct from (select oid from home)
     and (at.place is null or at.place not in (select oid from pg_namespace where nspname in ('pg_toast', 'sys_toast')))
   order by 1`;

/** Views, foreign keys, triggers, columns and defaults outside of a schema that would go on using the one that is moved aside. */
export async function schemaDependentsOf(session: Session, schema: string): Promise<readonly string[]> {
  const relations = (await session.query(relationsQuery, [schema])).map((row) => textOf(row, 'oid'));
  const users = (await session.query(usersQuery, [schema])).map((row) => textOf(row, 'name'));
  const known = [...(await dependentsOfOids(session, relations)), ...users];
  // Why not always: what is named above is named in the words of whoever made it.
  return known.length > 0 ? known : (await session.query(doomedQuery, [schema])).map((row) => textOf(row, 'name'));
}
