import type { InstanceAccess } from '#core/agent/order.ts';
import type { RelationNames } from '#core/contents/list-tables.ts';
import { openSession, textOf } from './session.ts';

const databasesSql = 'select datname from pg_database where datallowconn order by datname';
const relationsSql = `select pg_relation_filepath(c.oid) as path, current_database() as database, n.nspname as schema,
  c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where pg_relation_filepath(c.oid) is not null`;

/**
 * `database.schema.relation` of every relation of a running instance by the path of its first file. Shared relations are named
 * once, without a database. Throws what `openSession` throws.
 */
export async function relationNames(access: InstanceAccess): Promise<RelationNames> {
  const names = new Map<string, string>();
  const first = await openSession(access);
  const databases = await first.query(databasesSql).finally(() => first.close());
  for (const row of databases) {
    const session = await openSession(access, textOf(row, 'datname'));
    const relations = await session.query(relationsSql).finally(() => session.close());
    for (const one of relations) {
      const path = textOf(one, 'path');
      const local = `${textOf(one, 'schema')}.${textOf(one, 'name')}`;
      names.set(path, path.startsWith('global/') ? local : `${textOf(one, 'database')}.${local}`);
    }
  }
  return names;
}
