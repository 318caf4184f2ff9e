import type { InspectionOf } from '#core/agent/order.ts';
import type { TreeNode, TreePage, TreeView } from '#core/logical/content-tree.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';

/** Parameters: name after which the page begins, rows. Sizes are given where the login may ask for them. */
const databasesSql = `select d.datname::text as name, 'database' as kind, '' as tables,
    case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid)::text else '' end as bytes
  from pg_database d where d.datallowconn and not d.datistemplate and d.datname::text > $1
  order by d.datname::text limit $2`;

const schemasSql = `select n.nspname::text as name, 'schema' as kind,
    (select count(*) from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p') and not c.relispartition)::text as tables,
    coalesce((select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relnamespace = n.oid and c.relkind = 'r'), 0)::text as bytes
  from pg_namespace n where (n.oid >= 16384 or n.nspname = 'public') and n.nspname !~ '^pg_' and n.nspname::text > $1
  order by n.nspname::text limit $2`;

/** A partitioned table stands for its partitions at every depth, which are not shown. */
const tablesSql = `select c.relname::text as name, case when c.relkind = 'p' then 'partitioned' else 'table' end as kind, '' as tables,
    case when c.relkind = 'p' then (
      with recursive part (oid) as (
        select i.inhrelid from pg_inherits i where i.inhparent = c.oid union
        select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid)
      select coalesce(sum(pg_total_relation_size(part.oid)), 0) from part)
    else pg_total_relation_size(c.oid) end::text as bytes
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
    const rows = await rowsOf(session, view);
    return { nodes: rows.slice(0, view.limit).map(nodeOf), hasMore: rows.length > view.limit };
  } finally {
    await session.close();
  }
}

function rowsOf(session: Session, view: TreeView): Promise<readonly Row[]> {
  const page = [view.after, view.limit + 1];
  switch (view.of) {
    case 'databases':
      return session.query(databasesSql, page);
    case 'schemas':
      return session.query(schemasSql, page);
    case 'tables':
      return session.query(tablesSql, [...page, view.schema]);
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
