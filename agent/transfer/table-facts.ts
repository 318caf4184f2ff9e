import { catalogOid } from '#core/engine/catalog-oids.ts';
import { fail } from '#core/errors/fail.ts';
import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** A table with all that moves with it: its partitions, and statistics that lie in a schema of their own. */
export interface TableFamily {
  readonly root: TableName;
  /** The root first. */
  readonly members: readonly TableName[];
  readonly statistics: readonly TableName[];
}

const familyQuery = `
  with recursive family(oid, depth) as (
    select c.oid, 0 from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
    union all
    select i.inhrelid, f.depth + 1 from pg_inherits i join family f on f.oid = i.inhparent
      join pg_class c on c.oid = i.inhrelid where c.relispartition)
  select n.nspname::text as schema, c.relname::text as table, f.depth::text as depth, c.relispartition as is_partition
    from family f join pg_class c on c.oid = f.oid join pg_namespace n on n.oid = c.relnamespace order by f.depth, 1, 2`;

const statisticsQuery = `
  select n.nspname::text as schema, s.stxname::text as table from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
    join pg_class c on c.oid = s.stxrelid join pg_namespace t on t.oid = c.relnamespace
   where t.nspname = $1 and c.relname = $2`;

/** Undefined when there is no table of that name. Throws `transfer_choice_bad` for a part of a partitioned table. */
export async function familyOf(session: Session, root: TableName): Promise<TableFamily | undefined> {
  const rows = await session.query(familyQuery, [root.schema, root.table]);
  const [first] = rows;
  if (first === undefined) return undefined;
  if (first['is_partition'] === true)
    throw fail('transfer_choice_bad', {
      why: `${tableText(root)} is a part of a partitioned table: choose the whole of it, or another new name`,
    });
  const members = rows.map((row) => ({ schema: textOf(row, 'schema'), table: textOf(row, 'table') }));
  const statistics: TableName[] = [];
  for (const { schema, table } of members)
    for (const row of await session.query(statisticsQuery, [schema, table]))
      statistics.push({ schema: textOf(row, 'schema'), table: textOf(row, 'table') });
  return { root, members, statistics };
}

const oidsQuery = `
  select c.oid::text as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where (n.nspname::text, c.relname::text) in (select * from unnest($1::text[], $2::text[]))`;

/** What would point to a table that is moved aside instead of to the one that takes its place. */
const dependentsQuery = `
  with recursive given(oid) as (select unnest($1::oid[])
         union select i.inhrelid from pg_inherits i join given g on g.oid = i.inhparent
           join pg_class c on c.oid = i.inhrelid where c.relispartition),
       chosen as (select oid from given union select d.objid from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
                   where d.classid = ${catalogOid.pg_class} and d.refclassid = d.classid
                     and d.refobjid in (select oid from given) and d.deptype in ('a', 'i')),
       links as (select d.* from pg_depend d where d.deptype in ('n', 'a')
                  and ((d.refclassid = ${catalogOid.pg_class} and d.refobjid in (select oid from chosen))
                    or (d.refclassid = ${catalogOid.pg_type}
                        and d.refobjid in (select t.oid from pg_type t left join pg_type e on e.oid = t.typelem
                                            where t.typrelid in (select oid from chosen) or e.typrelid in (select oid from chosen)))))
  select case v.relkind when 'm' then 'materialized view ' else 'view ' end || v.oid::regclass::text as name
    from links d join pg_rewrite r on r.oid = d.objid and d.classid = ${catalogOid.pg_rewrite}
    join pg_class v on v.oid = r.ev_class where v.oid not in (select oid from chosen)
  union select 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass::text from pg_constraint k
   where k.contype = 'f' and k.confrelid in (select oid from chosen) and k.conrelid not in (select oid from chosen)
  union select 'function ' || d.objid::regprocedure::text from links d
   where d.classid = ${catalogOid.pg_proc}
  union select 'column of ' || c.oid::regclass::text from links d join pg_class c on c.oid = d.objid
   where d.classid = ${catalogOid.pg_class} and c.relkind in ('r', 'p', 'f', 'm')
     and c.oid not in (select oid from chosen) and d.refclassid = ${catalogOid.pg_type}
  union select 'policy of ' || p.polrelid::regclass::text from links d join pg_policy p on p.oid = d.objid
   where d.classid = ${catalogOid.pg_policy} and p.polrelid not in (select oid from chosen)
  union select 'default in ' || f.adrelid::regclass::text from links d join pg_attrdef f on f.oid = d.objid
   where d.classid = ${catalogOid.pg_attrdef} and f.adrelid not in (select oid from chosen)
  union select 'parent table ' || i.inhparent::regclass::text from pg_inherits i
   where i.inhrelid in (select oid from chosen) and i.inhparent not in (select oid from chosen)
     and exists (select 1 from pg_class p where p.oid = i.inhparent and p.relkind in ('r', 'p', 'f'))
  union select 'child table ' || i.inhrelid::regclass::text from pg_inherits i
   where i.inhparent in (select oid from chosen) and i.inhrelid not in (select oid from chosen)
  order by 1`;

/** Views, foreign keys, functions and others that depend on tables of these names and are not among them. */
export async function dependentsOf(session: Session, tables: readonly TableName[]): Promise<readonly string[]> {
  const oids = await session.query(oidsQuery, [tables.map(({ schema }) => schema), tables.map(({ table }) => table)]);
  return dependentsOfOids(
    session,
    oids.map((row) => textOf(row, 'oid')),
  );
}

/** The same for relations of any kind by their numbers. */
export async function dependentsOfOids(session: Session, oids: readonly string[]): Promise<readonly string[]> {
  const rows = await session.query(dependentsQuery, [`{${oids.join(',')}}`]);
  return rows.map((row) => textOf(row, 'name'));
}

/** True when a relation of any kind has the name. */
export async function isTaken(session: Session, { schema, table }: TableName): Promise<boolean> {
  const rows = await session.query(
    `select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  );
  return rows.length > 0;
}

export async function hasSchema(session: Session, schema: string): Promise<boolean> {
  return (await session.query('select 1 from pg_namespace where nspname = $1', [schema])).length > 0;
}
