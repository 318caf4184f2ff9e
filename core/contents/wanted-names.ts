import { nearNames } from '../near-names.ts';

/** A database, a schema of it, or a table of that schema, by its exact name. */
export interface WantedName {
  readonly database: string;
  readonly schema?: string;
  readonly table?: string;
}

/** What is not there, with names that may have been meant: databases, schemas, or `schema.table`. */
export interface AbsentName {
  readonly of: 'database' | 'schema' | 'table';
  readonly wanted: WantedName;
  readonly near: readonly string[];
}

/** What an agent found of names that were asked for; `isKnown` is false where they cannot be looked up, and nothing is absent. */
export interface NamesFound {
  readonly isKnown: boolean;
  readonly absent: readonly AbsentName[];
}

/** Tables of a database by schema. A schema without tables is there, too. */
export type TablesBySchema = ReadonlyMap<string, ReadonlySet<string>>;

/** Where the names are looked up; `tablesOf` may be asked for databases that are there only. */
export interface NamesThere {
  readonly databases: readonly string[];
  /** Undefined: what is in the database cannot be known, so nothing of it counts as absent. */
  readonly tablesOf: (database: string) => Promise<TablesBySchema | undefined>;
}

/** Which of the wanted names are not there, in the order in which they were asked for. */
export async function absentNames(wanted: readonly WantedName[], there: NamesThere): Promise<readonly AbsentName[]> {
  const known = new Map<string, Promise<TablesBySchema | undefined>>();
  const tablesOf = (database: string): Promise<TablesBySchema | undefined> => {
    const asked = known.get(database) ?? there.tablesOf(database);
    known.set(database, asked);
    return asked;
  };
  const found: AbsentName[] = [];
  for (const one of wanted) {
    const absent = await absentName(one, there.databases, tablesOf);
    if (absent !== undefined) found.push(absent);
  }
  return found;
}

async function absentName(
  wanted: WantedName,
  databases: readonly string[],
  tablesOf: NamesThere['tablesOf'],
): Promise<AbsentName | undefined> {
  const { database, schema, table } = wanted;
  if (!databases.includes(database)) return { of: 'database', wanted, near: nearNames(databases, database) };
  if (schema === undefined) return undefined;
  const tables = await tablesOf(database);
  if (tables === undefined) return undefined;
  if (table !== undefined) return absentTable({ wanted, schema, table }, tables);
  return tables.has(schema) ? undefined : { of: 'schema', wanted, near: nearNames(tables.keys(), schema) };
}

function absentTable(
  { wanted, schema, table }: { readonly wanted: WantedName; readonly schema: string; readonly table: string },
  tables: TablesBySchema,
): AbsentName | undefined {
  if (tables.get(schema)?.has(table) === true) return undefined;
  const all = [...tables].flatMap(([name, inIt]) => [...inIt].map((one) => `${name}.${one}`));
  return { of: 'table', wanted, near: nearNames(all, `${schema}.${table}`) };
}

/** A name for people: `shop`, `shop.public`, `shop.public.orders`. */
const nameText = ({ database, schema, table }: WantedName): string =>
  [database, schema, table].filter((part) => part !== undefined).join('.');

/** What is not there, for people: `schema shop.public`; of a database that is not there nothing that would lie in it. */
export const absentText = ({ of, wanted }: AbsentName): string =>
  of === 'database' ? `database ${wanted.database}` : `${of} ${nameText(wanted)}`;

/** What two places lack, with what both of them offer instead; where one knows the database and the other does not, by the one that does. */
export const absentInBoth = (first: readonly AbsentName[], second: readonly AbsentName[]): readonly AbsentName[] =>
  first.flatMap((one) => {
    const other = second.find(({ wanted }) => nameText(wanted) === nameText(one.wanted));
    if (other === undefined) return [];
    return [{ ...(one.of === 'database' ? other : one), near: [...new Set([...one.near, ...other.near])] }];
  });
