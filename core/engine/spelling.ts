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
  return (statement) => statement.replace(quotedOrName, spell);
}

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
