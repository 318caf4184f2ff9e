import type { InspectionOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { TreeNode, TreePage, TreeView } from '#core/logical/content-tree.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';

/** With indexes and what is stored aside. The server waits for whoever alters a table. */
const exactSize = 'pg_total_relation_size(c.oid)';
/** What the last VACUUM or ANALYZE saw, without any lock. */
const lastSeenSize = `greatest(c.relpages, 0)::bigint * current_setting('block_size')::int`;
const lockWait = '2s';

/** Parameters: name after which the page begins, rows. Sizes are given where the login may ask for them. */
const databasesSql = `select d.datname::text as name, 'database' as kind, '' as tables,
    case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid)::text else '' end as bytes
  from pg_database d where d.datallowconn and not d.datistemplate and d.datname::text > $1
  order by d.datname::text limit $2`;

const schemasSql = (size: string): string => `select n.nspname::text as name, 'schema' as kind,
    (select count(*) from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p') and not c.relispartition)::text as tables,
    coalesce((select sum(${size}) from pg_class c where c.relnamespace = n.oid and c.relkind = 'r'), 0)::text as bytes
  from pg_namespace n where (n.oid >= 16384 or n.nspname = 'public') and n.nspname !~ '^pg_' and n.nspname::text > $1
  order by n.nspname::text limit $2`;

/** A partitioned table stands for its partitions at every depth, which are not shown. */
const tablesSql = (
  size: string,
): string => `select c.relname::text as name, case when c.relkind = 'p' then 'partitioned' else 'table' end as kind, '' as tables,
    case when c.relkind = 'p' then (
      with recursive part (oid) as (
        select i.inhrelid from pg_inherits i where i.inhparent = c.oid union
        select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid)
      select coalesce(sum(${size}), 0) from part join pg_class c on c.oid = part.oid)
    else ${size} end::text as bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $3 and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't' and c.relname::text > $1
  order by c.relname::text limit $2`;

/**
 * One page of the content tree of a running instance (K-050). Throws what `openSession` throws; a database that refuses
 * connections says so itself.
 */
export async function lookAtTree({ instance, view }: InspectionOf<'content-tree'>): Promise<TreePage> {
  const session = await openSession(instance, view.of === 'databases' ? undefined : view.database);
  try {
    const rows = await rowsWithSizes(session, view);
    return { nodes: rows.slice(0, view.limit).map(nodeOf), hasMore: rows.length > view.limit };
  } finally {
    await session.close();
  }
}

/** A table that is being altered must not hold up the whole page: sizes are then those that the server saw last. */
async function rowsWithSizes(session: Session, view: TreeView): Promise<readonly Row[]> {
  await session.query(`set lock_timeout = '${lockWait}'`);
  try {
    return await rowsOf(session, view, exactSize);
  } catch (error) {
    if (!(error instanceof HoldfastError) || codeOf(error.cause) !== '55P03') throw error;
    return rowsOf(session, view, lastSeenSize);
  }
}

function rowsOf(session: Session, view: TreeView, size: string): Promise<readonly Row[]> {
  const page = [view.after, view.limit + 1];
  switch (view.of) {
    case 'databases':
      return session.query(databasesSql, page);
    case 'schemas':
      return session.query(schemasSql(size), page);
    case 'tables':
      return session.query(tablesSql(size), [...page, view.schema]);
  }
}

const kinds = ['database', 'schema', 'table', 'partitioned'] as const;

function nodeOf(row: Row): TreeNode {
  const [bytes, tables] = [textOf(row, 'bytes'), textOf(row, 'tables')];
  const kind = kinds.find((each) => each === textOf(row, 'kind')) ?? 'table';
  return {
    ...{ name: textOf(row, 'name'), kind },
    ...(bytes === '' ? {} : { sizeBytes: Number(bytes) }),
    ...(tables === '' ? {} : { tableCount: Number(tables) }),
  };
}
