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
    join pg_depend d on d.objid = f.oid and d.classid = (select tableoid from pg_attrdef limit 1)
   where c.relnamespace not in (select oid from home)
     and ((d.refclassid = (select tableoid from pg_proc limit 1)
           and d.refobjid in (select p.oid from pg_proc p where p.pronamespace in (select oid from home)))
       or (d.refclassid = (select tableoid from pg_class limit 1)
           and d.refobjid in (select s.oid from pg_class s where s.relnamespace in (select oid from home))))
  order by 1`;

/** Views, foreign keys, triggers, columns and defaults outside of a schema that would go on using the one that is moved aside. */
export async function schemaDependentsOf(session: Session, schema: string): Promise<readonly string[]> {
  const relations = (await session.query(relationsQuery, [schema])).map((row) => textOf(row, 'oid'));
  const users = (await session.query(usersQuery, [schema])).map((row) => textOf(row, 'name'));
  return [...(await dependentsOfOids(session, relations)), ...users];
}
