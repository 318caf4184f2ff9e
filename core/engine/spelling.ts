import type { CatalogNames } from './profile.ts';

/** Writes PostgreSQL's names of system functions and relations as a server knows them. */
export type Spell = (statement: string) => string;

/** For PostgreSQL: as it is written. */
export const asWritten: Spell = (statement) => statement;

/**
 * Spells `pg_…` names outside of quotes by what a server really has (references: never branch on a version, branch on probes):
 * `names` holds `schema.name` of functions and relations. The first catalog that has a name under its prefix wins, in the words of
 * today or in those before PostgreSQL 10 (`wal` was `xlog`, `lsn` was `location`); the answer is qualified, because the schema need
 * not be on the search path. A name that nobody has stays, and the server says so.
 */
export function spellingOf(names: ReadonlySet<string>, catalogs: readonly CatalogNames[]): Spell {
  const known = new Map<string, string>();
  const spellOne = (name: string): string => {
    const found = known.get(name) ?? candidatesOf(name, catalogs).find((one) => names.has(one)) ?? name;
    known.set(name, found);
    return found;
  };
  const spell = (token: string): string => (token.startsWith('pg_') ? spellOne(token) : token);
  return (statement) => statement.replace(catalogOid, oidOfCatalog).replace(quotedOrName, spell);
}

/** How our statements ask for the oid under which dependencies know a catalog. */
const catalogOid = /\bselect tableoid from (pg_\w+) limit 1\b/g;

/** A catalog under another name is a view, and a view has no `tableoid`. Catalogs we do not know stay as they are written. */
const oidOfCatalog = (text: string, catalog: string): string => {
  const oid = catalogOids[catalog];
  return oid === undefined ? text : `select ${String(oid)}::oid`;
};

/** Fixed when a server is built, alike in all majors since 12 (PG src/include/catalog, CATALOG lines; `pg_…::regclass::oid`). */
export const catalogOids: Readonly<Record<string, number>> = {
  ...{ pg_proc: 1255, pg_type: 1247, pg_attribute: 1249, pg_class: 1259, pg_attrdef: 2604, pg_constraint: 2606 },
  ...{ pg_index: 2610, pg_language: 2612, pg_namespace: 2615, pg_operator: 2617, pg_rewrite: 2618, pg_trigger: 2620 },
  ...{ pg_extension: 3079, pg_policy: 3256, pg_authid: 1260, pg_database: 1262, pg_tablespace: 1213 },
  ...{ pg_publication: 6104, pg_publication_rel: 6106, pg_subscription: 6100, pg_statistic_ext: 3381 },
};

/** Quoted text and qualified names are passed over; both are matched so that nothing inside them is. */
const quotedOrName = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\b[a-z_]+\.[a-z_]\w*|\bpg_\w+/g;

function candidatesOf(name: string, catalogs: readonly CatalogNames[]): readonly string[] {
  const word = name.slice('pg_'.length);
  const before10 = word.replace('wal', 'xlog').replace('lsn', 'location');
  return catalogs.flatMap(({ schema, prefix }) => [`${schema}.${prefix}${word}`, `${schema}.${prefix}${before10}`]);
}

/** Every system function and relation that may be called, as `schema.name` in column `name`, asked in one catalog. */
export function namesQuery({ schema, prefix }: CatalogNames, catalogs: readonly CatalogNames[]): string {
  const schemas = catalogs.map((one) => `'${one.schema}'`).join(', ');
  const of = (table: string): string => `${schema}.${prefix}${table}`;
  return `select n.nspname || '.' || p.proname as name from ${of('proc')} p join ${of('namespace')} n on n.oid = p.pronamespace
           where n.nspname in (${schemas})
          union select n.nspname || '.' || c.relname from ${of('class')} c join ${of('namespace')} n on n.oid = c.relnamespace
           where n.nspname in (${schemas})`;
}
