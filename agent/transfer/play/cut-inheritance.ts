import { fail } from '#core/errors/fail.ts';
import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import type { Warning } from '#core/run/progress.ts';
import { quotedTable } from '#core/transfer/names.ts';
import { flagOf, textOf } from '#agent/database/session.ts';
import type { Row, Session } from '#agent/database/session.ts';

/** What is going to be copied: whole schemas, or tables by name. */
interface Chosen {
  readonly schemas: readonly string[];
  readonly tables: readonly TableName[];
}

interface Link {
  readonly child: TableName;
  readonly parent: TableName;
  readonly isPartition: boolean;
  /** The child is copied and its parent is not. */
  readonly isUpward: boolean;
}

const linksQuery = `
  with chosen as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f') and (n.nspname::text = any($1::text[])
        or (n.nspname::text, c.relname::text) in (select * from unnest($2::text[], $3::text[]))))
  select cn.nspname::text as child_schema, c.relname::text as child, pn.nspname::text as parent_schema, p.relname::text as parent,
         c.relispartition as is_partition, c.oid in (select oid from chosen) as is_upward
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
   where p.relkind in ('r', 'p', 'f') and (c.oid in (select oid from chosen)) <> (p.oid in (select oid from chosen))
   order by 1, 2, 3, 4`;

const linkOf = (row: Row): Link => ({
  child: { schema: textOf(row, 'child_schema'), table: textOf(row, 'child') },
  parent: { schema: textOf(row, 'parent_schema'), table: textOf(row, 'parent') },
  isPartition: flagOf(row, 'is_partition'),
  isUpward: flagOf(row, 'is_upward'),
});

/** In the source, which is ours alone; a retried attempt finds there what an earlier one cut. */
const book = 'holdfast_tmp_links.cut';

const textOfLink = ({ child, parent }: Link): string => `${tableText(child)} of ${tableText(parent)}`;

/**
 * In the source, which is ours alone: what is copied is cut from parents that are not. The dump tool writes whom a table belongs to even where
 * it does not write that one, and the copy would give the live parent its rows at once (PG manual "Inheritance", "Table Partitioning").
 * Answers what was cut in words, by an earlier attempt too. Throws `transfer_partitions_apart` for partitions of what is copied that lie elsewhere.
 */
export async function cutInheritance(source: Session, { schemas, tables }: Chosen): Promise<readonly Warning[]> {
  const names = [tables.map(({ schema }) => schema), tables.map(({ table }) => table)];
  const links = (await source.query(linksQuery, [schemas, ...names])).map(linkOf);
  const apart = links.filter(({ isUpward, isPartition }) => isPartition && !isUpward);
  if (apart.length > 0) throw fail('transfer_partitions_apart', { partitions: apart.map(textOfLink).join(', ') });
  const cut = await cutAndNote(source, links);
  if (cut.length === 0) return [];
  const detail = `parents and children that were not chosen do not belong to the copies: ${cut.join(', ')}`;
  return [{ code: 'inheritance_cut', detail }];
}

/** All of it or nothing, so that what is cut is also noted. */
async function cutAndNote(source: Session, links: readonly Link[]): Promise<readonly string[]> {
  const noted = await source.query(`select 1 from pg_namespace where nspname = 'holdfast_tmp_links'`);
  if (links.length === 0 && noted.length === 0) return [];
  await source.query('begin');
  await source.query('create schema if not exists holdfast_tmp_links');
  await source.query(`create table if not exists ${book} (link text primary key)`);
  for (const link of links)
    await source.query(`insert into ${book} values ($1) on conflict do nothing`, [textOfLink(link)]);
  for (const { child, parent, isPartition } of links.filter(({ isUpward }) => isUpward))
    await source.query(
      isPartition
        ? `alter table ${quotedTable(parent)} detach partition ${quotedTable(child)}`
        : `alter table ${quotedTable(child)} no inherit ${quotedTable(parent)}`,
    );
  const rows = await source.query(`select link from ${book} order by 1`);
  await source.query('commit');
  return rows.map((row) => textOf(row, 'link'));
}
