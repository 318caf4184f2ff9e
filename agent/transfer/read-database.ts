import { z } from 'zod';
import { catalogOid } from '#core/engine/catalog-oids.ts';
import type { DatabaseShape } from '#core/transfer/database-shape.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** Columns of pg_database by their names in any version; later versions renamed the one of the locale. */
const rowShape = z.looseObject({
  datcollate: z.string().nullish(),
  datctype: z.string().nullish(),
  datlocprovider: z.string().nullish(),
  daticulocale: z.string().nullish(),
  datlocale: z.string().nullish(),
  daticurules: z.string().nullish(),
  datconnlimit: z.number(),
});
const grantsShape = z.array(z.object({ role: z.string(), privilege: z.string(), isGrantable: z.boolean() })).nullable();
const settingsShape = z.array(z.object({ role: z.string(), setting: z.string() })).nullable();

const shapeQuery = `
  select to_jsonb(d)::text as row, pg_encoding_to_char(d.encoding)::text as encoding,
         o.rolname::text as owner, t.spcname::text as tablespace,
         coalesce(shobj_description(d.oid, 'pg_database'), '') as comment,
         coalesce((select json_agg(json_build_object('role', coalesce(r.rolname, ''), 'privilege', a.privilege_type,
                                                     'isGrantable', a.is_grantable))
            from aclexplode(d.datacl) a left join pg_roles r on r.oid = a.grantee), 'null')::text as grants,
         coalesce((select json_agg(json_build_object('role', coalesce(r.rolname, ''), 'setting', one)
                                   order by r.rolname nulls first, one)
            from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) one
           where s.setdatabase = d.oid), 'null')::text as settings
    from pg_database d join pg_roles o on o.oid = d.datdba join pg_tablespace t on t.oid = d.dattablespace
   where d.datname = $1`;

/** What a dump of a database does not hold; undefined when there is none of that name. Throws `session_lost`. */
export async function readShape(session: Session, name: string): Promise<DatabaseShape | undefined> {
  const [row] = await session.query(shapeQuery, [name]);
  if (row === undefined) return undefined;
  const told = rowShape.parse(JSON.parse(textOf(row, 'row')));
  const comment = textOf(row, 'comment');
  return {
    owner: textOf(row, 'owner'),
    encoding: textOf(row, 'encoding'),
    collate: told.datcollate ?? '',
    ctype: told.datctype ?? '',
    provider: told.datlocprovider ?? 'c',
    locale: told.datlocale ?? told.daticulocale ?? undefined,
    icuRules: told.daticurules ?? undefined,
    tablespace: textOf(row, 'tablespace'),
    connectionLimit: told.datconnlimit,
    comment: comment === '' ? undefined : comment,
    grants: grantsShape.parse(JSON.parse(textOf(row, 'grants'))) ?? undefined,
    settings: settingsShape.parse(JSON.parse(textOf(row, 'settings'))) ?? [],
  };
}

/** Databases that take connections and are no template. */
export async function databasesOf(session: Session): Promise<readonly string[]> {
  const rows = await session.query(
    'select datname::text as name from pg_database where datallowconn and not datistemplate order by 1',
  );
  return rows.map((row) => textOf(row, 'name'));
}

/** What a database needs of the instance that it is put into. */
export interface DatabaseNeeds {
  readonly roles: readonly string[];
  readonly tablespaces: readonly string[];
  readonly extensions: readonly string[];
  readonly bytes: number;
}

/** Roles that own or may use anything in it (shared dependencies) or have settings of their own in it, tablespaces of its relations, its extensions. In a session of that database. */
export async function readNeeds(session: Session): Promise<DatabaseNeeds> {
  const names = async (statement: string): Promise<readonly string[]> =>
    (await session.query(statement)).map((row) => textOf(row, 'name'));
  const size = await session.queryOne('select pg_database_size(current_database())::text as bytes');
  return {
    roles: await names(
      `select distinct r.rolname::text as name from pg_shdepend d join pg_roles r on r.oid = d.refobjid
         join pg_database b on b.datname = current_database()
        where d.refclassid = ${catalogOid.pg_authid} and r.rolname !~ '^(pg|sys)_'
          and (d.dbid = b.oid or (d.dbid = 0 and d.classid = ${catalogOid.pg_database} and d.objid = b.oid))
        union select r.rolname::text from pg_database b join pg_roles r on r.oid = b.datdba
        where b.datname = current_database()
        union select r.rolname::text from pg_db_role_setting s join pg_roles r on r.oid = s.setrole join pg_database b on b.oid = s.setdatabase
        where b.datname = current_database() order by 1`,
    ),
    tablespaces: await names(
      `select t.spcname::text as name from pg_class c join pg_tablespace t on t.oid = c.reltablespace
        where t.spcname not in ('pg_global', 'sys_global')
        union select t.spcname::text from pg_database b join pg_tablespace t on t.oid = b.dattablespace
        where b.datname = current_database() order by 1`,
    ),
    extensions: await names('select extname::text as name from pg_extension order by 1'),
    bytes: Number(textOf(size, 'bytes')),
  };
}

/** What an instance has for what is put into it. */
interface InstanceHas {
  readonly roles: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
}

export async function readHas(session: Session): Promise<InstanceHas> {
  const names = async (statement: string): Promise<ReadonlySet<string>> =>
    new Set((await session.query(statement)).map((row) => textOf(row, 'name')));
  return {
    roles: await names('select rolname::text as name from pg_roles'),
    tablespaces: await names('select spcname::text as name from pg_tablespace'),
    extensions: await names('select name::text as name from pg_available_extensions'),
  };
}
