import { z } from 'zod';
import { catalogOid } from '#core/engine/catalog-oids.ts';
import { parseInstant } from '#core/instant.ts';
import type { DatabaseFacts, GlobalFacts } from '#core/logical/meta.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { parseJson } from '#core/format/fields.ts';

/** The moment of a snapshot by the clock of the server. */
export const momentSql = `to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Columns that not every server has are read through the row as JSON: their names differ from major to major. */
const databaseSql = `select json_build_object(
    'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate::text, 'ctype', d.datctype::text,
    'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
    'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
    'icuRules', to_jsonb(d) ->> 'daticurules',
    'tablespace', (select t.spcname::text from pg_tablespace t where t.oid = d.dattablespace), 'connectionLimit', d.datconnlimit, 'acl', d.datacl::text,
    'comment', (select s.description from pg_shdescription s where s.objoid = d.oid and s.classoid = ${catalogOid.pg_database} limit 1),
    'settings', (select json_agg(json_build_object('role', coalesce(r.rolname::text, ''), 'setting', one))
       from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as one where s.setdatabase = d.oid),
    'extensions', (select json_agg(json_build_object('name', e.extname::text, 'version', e.extversion, 'schema', n.nspname::text) order by e.extname)
       from pg_extension e join pg_namespace n on n.oid = e.extnamespace),
    'roles', (select json_agg(distinct r.rolname::text) from pg_roles r where r.oid = d.datdba or r.oid in
       (select h.refobjid from pg_shdepend h where h.dbid = d.oid and h.refclassid = ${catalogOid.pg_authid})),
    'tablespaces', (select json_agg(distinct t.spcname::text) from pg_class c join pg_tablespace t on t.oid = c.reltablespace
       where c.oid >= 16384 and t.oid <> d.dattablespace)
  )::text as facts from pg_database d where d.datname = current_database()`;

const factsShape = z.object({
  ...{ owner: z.string(), encoding: z.string(), collate: z.string(), ctype: z.string(), provider: z.string() },
  ...{
    locale: z.string().nullable(),
    icuRules: z.string().nullable(),
    tablespace: z.string(),
    connectionLimit: z.number(),
  },
  ...{ acl: z.string().nullable(), comment: z.string().nullable() },
  settings: z.array(z.object({ role: z.string(), setting: z.string() })).nullable(),
  extensions: z.array(z.object({ name: z.string(), version: z.string(), schema: z.string() })).nullable(),
  ...{ roles: z.array(z.string()).nullable(), tablespaces: z.array(z.string()).nullable() },
});

const providers: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin', d: 'libc' };

/** What a restore makes the database of the session from, and checks first. */
export async function databaseFacts(
  session: Session,
): Promise<Omit<DatabaseFacts, 'name' | 'isWhole' | 'snapshotAt' | 'relations'>> {
  const text = textOf(await session.queryOne(databaseSql), 'facts');
  const { provider, locale, icuRules, acl, comment, ...facts } = factsShape.parse(
    parseJson(text, 'facts of a database'),
  );
  return {
    ...{ owner: facts.owner, encoding: facts.encoding, collate: facts.collate, ctype: facts.ctype },
    ...{ localeProvider: providers[provider] ?? provider, tablespace: facts.tablespace },
    ...(locale === null ? {} : { locale }),
    ...(icuRules === null ? {} : { icuRules }),
    ...(acl === null ? {} : { acl }),
    ...(comment === null ? {} : { comment }),
    ...{ connectionLimit: facts.connectionLimit, settings: facts.settings ?? [], extensions: facts.extensions ?? [] },
    ...{ roles: facts.roles ?? [], tablespaces: facts.tablespaces ?? [] },
  };
}

/** `pg_roles` hides password hashes from everybody; roles that every server has from the start are left out. */
const globalsSql = `select json_build_object(
    'roles', (select coalesce(json_agg(json_build_object(
       'name', r.rolname::text, 'isSuperuser', r.rolsuper, 'canLogin', r.rolcanlogin, 'canInherit', r.rolinherit,
       'canCreateRole', r.rolcreaterole, 'canCreateDatabase', r.rolcreatedb, 'canReplicate', r.rolreplication,
       'canBypassRowSecurity', r.rolbypassrls, 'connectionLimit', r.rolconnlimit,
       'memberOf', (select coalesce(json_agg(distinct g.rolname::text), '[]'::json) from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid),
       'settings', (select coalesce(json_agg(one), '[]'::json) from pg_db_role_setting s, unnest(s.setconfig) as one where s.setrole = r.oid and s.setdatabase = 0)
       ) order by r.rolname), '[]'::json) from pg_roles r where r.oid >= 16384 or r.oid = 10),
    'tablespaces', (select coalesce(json_agg(json_build_object('name', t.spcname::text, 'owner', pg_get_userbyid(t.spcowner),
       'location', pg_tablespace_location(t.oid)) order by t.spcname), '[]'::json) from pg_tablespace t where t.oid >= 16384)
  )::text as facts`;

const globalsShape = z.object({
  roles: z.array(
    z.object({
      ...{ name: z.string(), isSuperuser: z.boolean(), canLogin: z.boolean(), canInherit: z.boolean() },
      ...{ canCreateRole: z.boolean(), canCreateDatabase: z.boolean(), canReplicate: z.boolean() },
      ...{ canBypassRowSecurity: z.boolean(), connectionLimit: z.number() },
      ...{ memberOf: z.array(z.string()), settings: z.array(z.string()) },
    }),
  ),
  tablespaces: z.array(z.object({ name: z.string(), owner: z.string(), location: z.string() })),
});

/** Roles and tablespaces of the instance, without passwords. */
export async function globalFacts(session: Session): Promise<GlobalFacts> {
  return globalsShape.parse(parseJson(textOf(await session.queryOne(globalsSql), 'facts'), 'facts of an instance'));
}

/** Databases that take connections and are no templates, by name. */
export const databasesSql = `select datname::text as name from pg_database where datallowconn and not datistemplate order by datname`;

export const momentOf = (text: string): DatabaseFacts['snapshotAt'] => parseInstant(text);
