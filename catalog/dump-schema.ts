import { z } from 'zod';
import type { Database } from './database.ts';

const columnShape = z.object({ table: z.string(), text: z.string() });
const textShape = z.object({ text: z.string() });

const columnsSql = `select c.relname as "table",
  format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attidentity <> '' then ' generated always as identity'
         when a.attgenerated = 's' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
         when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
    case when a.attnotnull then ' not null' else '' end) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relkind = 'r' order by c.relname collate "C", a.attnum`;

const constraintsSql = `select format('alter table %I add constraint %I %s;', c.relname, k.conname, pg_get_constraintdef(k.oid)) as text
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
  where k.contype in ('p', 'u', 'f', 'c') order by c.relname collate "C", k.conname collate "C"`;

const indexesSql = `select indexdef || ';' as text from pg_indexes i where schemaname = 'public'
  and not exists (select 1 from pg_constraint k where k.conname = i.indexname and k.contype in ('p', 'u'))
  order by indexname collate "C"`;

const triggersSql = `select pg_get_triggerdef(t.oid) || ';' as text from pg_trigger t where not t.tgisinternal order by tgname collate "C"`;

/** The schema of a migrated catalog as text: `catalog/schema.sql` is compared with it, so a change is always seen in review. */
export async function dumpSchema(db: Database): Promise<string> {
  const tables = new Map<string, string[]>();
  for (const { table, text } of await db.rows(columnShape, columnsSql))
    tables.set(table, [...(tables.get(table) ?? []), text]);
  const lines = ['-- Generated from catalog/migrations by `npx vitest run catalog -u`. Do not edit.', ''];
  for (const [table, columns] of tables) lines.push(`create table ${table} (`, columns.join(',\n'), ');', '');
  for (const sql of [constraintsSql, indexesSql, triggersSql]) {
    const rows = await db.rows(textShape, sql);
    lines.push(...rows.map((row) => row.text), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
