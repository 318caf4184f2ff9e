import { catalogOid } from '#core/engine/catalog-oids.ts';
import type { Warning } from '#core/run/progress.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** A schema of the source that lies under a temporary name, and the names that its functions may know it by. */
export interface NamedSchemas {
  readonly staging: readonly string[];
  readonly names: readonly string[];
}

/**
 * Functions whose bodies are texts that name one of the schemas ($2: before a dot, $3: in a setting of the function), and what of the staged
 * schemas ($1) gets its contents by them, whatever lies between: views, operators, functions. The server's own book of dependencies ends at
 * a text (PG manual "Dependency Tracking").
 */
const usersQuery = `
  with recursive naming as (
    select p.oid, p.pronamespace, p.proname from pg_proc p join pg_language l on l.oid = p.prolang
     where l.lanname not in ('internal', 'c') and p.oid >= 16384 and (to_jsonb(p) ->> 'prosqlbody') is null
       and (p.prosrc ~* $2 or coalesce(p.proconfig::text, '') ~* $3)),
  starts(name, classid, objid) as (
    select 'materialized view ' || c.relname, ${catalogOid.pg_rewrite}::oid, r.oid from pg_class c join pg_rewrite r on r.ev_class = c.oid
      join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and n.nspname::text = any($1::text[])
    union all select 'index ' || c.relname, ${catalogOid.pg_class}::oid, c.oid from pg_class c
      join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('i', 'I') and n.nspname::text = any($1::text[])
    union all select 'generated column ' || c.relname || '.' || a.attname, ${catalogOid.pg_attrdef}::oid, f.oid from pg_attrdef f
      join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum join pg_class c on c.oid = f.adrelid
      join pg_namespace n on n.oid = c.relnamespace where a.attgenerated <> '' and n.nspname::text = any($1::text[])),
  walk(name, classid, objid) as (
    select name, classid, objid from starts
    union select w.name, x.classid, x.objid from walk w cross join lateral (
      select d.refclassid as classid, d.refobjid as objid from pg_depend d
       where d.classid = w.classid and d.objid = w.objid
         and d.refclassid in (${catalogOid.pg_proc}, ${catalogOid.pg_operator}, ${catalogOid.pg_class})
      union all select ${catalogOid.pg_rewrite}::oid, r.oid from pg_rewrite r where w.classid = ${catalogOid.pg_class} and r.ev_class = w.objid) x)
  select distinct w.name, w.name like 'materialized view %' as is_view from walk w join naming f on f.oid = w.objid and w.classid = ${catalogOid.pg_proc}
  union select 'function ' || f.proname, null from naming f join pg_namespace n on n.oid = f.pronamespace
   where n.nspname::text = any($1::text[])
  order by 1`;

/** Contents that were computed while live tables had the names that functions read. `computed_beside_live`. */
export async function warnComputed(source: Session, schemas: NamedSchemas): Promise<readonly Warning[]> {
  const names = (await usersOf(source, schemas)).filter(({ isView }) => isView === false).map(({ name }) => name);
  if (names.length === 0) return [];
  const detail =
    `these get their contents by functions whose texts name ${schemas.names.join(', ')}; they were computed while that was still ` +
    `what is replaced, and are wrong where such a function reads tables: ${names.join(', ')}. Rebuild them (reindex; update the rows)`;
  return [{ code: 'computed_beside_live', detail }];
}

/** Under a new name whatever names the schema in a text means the live one, for ever. `text_names_live`. */
export async function warnOfNewName(source: Session, schemas: NamedSchemas): Promise<readonly Warning[]> {
  const names = (await usersOf(source, schemas)).map(({ name }) => name);
  if (names.length === 0) return [];
  const detail =
    `the texts of functions still name ${schemas.names.join(', ')}, which is the live one and not what was put beside it; ` +
    `these read it, or got their contents from it: ${names.join(', ')}`;
  return [{ code: 'text_names_live', detail }];
}

interface User {
  readonly name: string;
  /** Absent: a function itself. */
  readonly isView: boolean | undefined;
}

async function usersOf(source: Session, { staging, names }: NamedSchemas): Promise<readonly User[]> {
  const any = names.map((name) => name.replaceAll('"', '""').replaceAll(/[^\p{L}\p{N}_]/gu, String.raw`\$&`)).join('|');
  const word = `(^|[^[:alnum:]_$])"?(${any})"?`;
  const patterns = [`${word}[[:space:]]*[.]`, `${word}([^[:alnum:]_$]|$)`];
  const rows = await source.query(usersQuery, [staging, ...patterns]);
  return rows.map((row) => {
    const isView = row['is_view'];
    return { name: textOf(row, 'name'), isView: typeof isView === 'boolean' ? isView : undefined };
  });
}
