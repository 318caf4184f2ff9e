import type { InstanceAccess } from '#core/agent/order.ts';
import type { NamesThere, TablesBySchema } from '#core/contents/wanted-names.ts';
import { openSession, textOf } from '#agent/database/session.ts';

/** Databases that take connections and are no templates: of others nothing is backed up or carried. */
const databasesSql = `select datname::text as name from pg_database where datallowconn and not datistemplate order by datname`;

/** Every schema that a session may be asked for by name, with its tables and what else holds or shows rows; '' where it has none. */
const tablesSql = `select n.nspname::text as schema, coalesce(c.relname::text, '') as name from pg_namespace n
  left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'
  where n.nspname !~ '^pg_(toast|temp)'`;

/** Names of a running instance, by its catalog now. Throws what `openSession` throws; a database that refuses connections says so itself. */
export async function namesInInstance(instance: InstanceAccess): Promise<NamesThere> {
  const session = await openSession(instance);
  const rows = await session.query(databasesSql).finally(() => session.close());
  return {
    databases: rows.map((row) => textOf(row, 'name')),
    tablesOf: (database) => tablesOf(instance, database),
  };
}

async function tablesOf(instance: InstanceAccess, database: string): Promise<TablesBySchema> {
  const session = await openSession(instance, database);
  const rows = await session.query(tablesSql).finally(() => session.close());
  const found = new Map<string, Set<string>>();
  for (const row of rows) {
    const [schema, name] = [textOf(row, 'schema'), textOf(row, 'name')];
    const tables = found.get(schema) ?? new Set();
    if (name !== '') tables.add(name);
    found.set(schema, tables);
  }
  return found;
}
