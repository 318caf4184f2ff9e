/** A table by its exact name; never a pattern. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/**
 * What of one database is wanted. Names are exact. Without `schemas` and `tables` it is the whole database, large objects and
 * what belongs to no schema included; with them only these. What is excluded wins. A partitioned table stands for all its
 * partitions.
 */
export interface DatabaseSelection {
  readonly database: string;
  readonly schemas: readonly string[];
  readonly tables: readonly TableName[];
  readonly excludeSchemas: readonly string[];
  readonly excludeTables: readonly TableName[];
}

/**
 * K-072: what of an instance is wanted. `all`: every database that takes connections and is no template, as there are when the
 * run begins. Each database has a snapshot of its own: within a database all is of one moment, between databases it is not.
 */
export type LogicalSelection =
  { readonly of: 'all' } | { readonly of: 'chosen'; readonly databases: readonly DatabaseSelection[] };

/** Every name of a database together: more would not fit the command line of a dump tool. */
export const mostNames = 2000;

export const wholeDatabase = (database: string): DatabaseSelection => ({
  ...{ database, schemas: [], tables: [], excludeSchemas: [], excludeTables: [] },
});

/** True when nothing was picked from the database: large objects and what belongs to no schema go with it. */
export const isUnpicked = ({ schemas, tables }: DatabaseSelection): boolean =>
  schemas.length === 0 && tables.length === 0;

/** True when nothing was picked and nothing left out: the database can be made anew from this alone. */
export const isWhole = (selection: DatabaseSelection): boolean =>
  isUnpicked(selection) && selection.excludeSchemas.length === 0 && selection.excludeTables.length === 0;

const chosenOf = (selection: LogicalSelection, database: string): DatabaseSelection | undefined =>
  selection.of === 'all' ? wholeDatabase(database) : selection.databases.find((one) => one.database === database);

/** True when nothing of a schema was left out. */
export function holdsSchema(selection: LogicalSelection, database: string, schema: string): boolean {
  const chosen = chosenOf(selection, database);
  if (chosen === undefined || !(isUnpicked(chosen) || chosen.schemas.includes(schema))) return false;
  return !chosen.excludeSchemas.includes(schema) && !chosen.excludeTables.some((one) => one.schema === schema);
}

/** Schemas of relations that were picked one by one: dump tools do not write these with them (PG manual "pg_dump", `--table`). */
export function bareSchemas(selection: LogicalSelection, database: string, relations: readonly TableName[]): string[] {
  const chosen = chosenOf(selection, database);
  if (chosen === undefined || isUnpicked(chosen)) return [];
  return [...new Set(relations.map(({ schema }) => schema))].filter((schema) => !chosen.schemas.includes(schema));
}

const isSame = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table === b.table;

/** Whether a relation is wanted, by its own name and those of the partitioned tables it is a part of, the nearest first. */
export function isSelected(selection: DatabaseSelection, name: TableName, above: readonly TableName[] = []): boolean {
  const names = [name, ...above];
  const isAmong = (list: readonly TableName[]): boolean => names.some((one) => list.some((each) => isSame(each, one)));
  if (selection.excludeSchemas.includes(name.schema) || isAmong(selection.excludeTables)) return false;
  // Why the schemas above too: a partition in another schema holds rows of the chosen one.
  return (
    isUnpicked(selection) || names.some(({ schema }) => selection.schemas.includes(schema)) || isAmong(selection.tables)
  );
}

/** `schema.table` for people. */
export const tableText = ({ schema, table }: TableName): string => `${schema}.${table}`;

/** In words: a database, or what of it. */
export function selectionText(selection: LogicalSelection): string {
  if (selection.of === 'all') return 'all databases';
  return selection.databases.map(databaseText).join(', ');
}

function databaseText(one: DatabaseSelection): string {
  const picked = [...one.schemas.map((schema) => `${schema}.*`), ...one.tables.map(tableText)];
  const left = [...one.excludeSchemas.map((schema) => `${schema}.*`), ...one.excludeTables.map(tableText)];
  const without = left.length === 0 ? '' : ` without ${few(left)}`;
  return `${one.database}${picked.length === 0 ? '' : ` (${few(picked)})`}${without}`;
}

const few = (names: readonly string[]): string =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${String(names.length - 3)} more`;
