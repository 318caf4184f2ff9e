import { catalogOid } from '#core/engine/catalog-oids.ts';
import type { Inventory } from '#core/transfer/inventory.ts';
import { literal, quotedTable } from '#core/transfer/names.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** Objects that initdb did not make and that no extension owns. 16384 is FirstNormalObjectId of the server. */
const own = (oid: string, catalog: keyof typeof catalogOid): string =>
  `${oid} >= 16384 and not exists (select 1 from pg_depend e where e.classid = ${catalogOid[catalog]} and e.objid = ${oid} and e.deptype = 'e')`;

const kinds = `case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view'
   when 'f' then 'foreign table' when 'S' then 'sequence' when 'i' then 'index' when 'I' then 'partitioned index' when 'c' then 'type' else c.relkind::text end`;

/** Restricts to one schema, which is left out of the names: the ends may call it differently. */
interface InventoryScope {
  readonly schema?: string;
}

const inSchema = ({ schema }: InventoryScope): string =>
  schema === undefined ? '' : ` and n.nspname = ${literal(schema)}`;
const nameOf = ({ schema }: InventoryScope, column: string): string =>
  schema === undefined ? `n.nspname || '.' || ${column}` : column;

const objectsQuery = (scope: InventoryScope): string => `
  select ${kinds} || ' ' || ${nameOf(scope, 'c.relname')} as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind <> 't' and n.nspname !~ '^(pg|sys)_(toast|temp)' and c.relpersistence <> 't' and ${own('c.oid', 'pg_class')}${inSchema(scope)}
     and not (c.relkind in ('i', 'I') and exists (select 1 from pg_index x join pg_class t on t.oid = x.indrelid where x.indexrelid = c.oid and t.relkind = 't'))
  union all
  select 'trigger ' || t.tgname || ' on ' || ${nameOf(scope, 'c.relname')} from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace where not t.tgisinternal${inSchema(scope)}
  union all
  select 'policy ' || p.polname || ' on ' || ${nameOf(scope, 'c.relname')} from pg_policy p join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace where true${inSchema(scope)}
  union all
  select 'constraint ' || k.conname || ' on ' || ${nameOf(scope, 'c.relname')} from pg_constraint k join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
   where k.contype <> 'n' and k.conparentid = 0 and k.conrelid >= 16384 and ${own('c.oid', 'pg_class')}${inSchema(scope)}${
     scope.schema === undefined
       ? `
  union all
  select 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^(pg|sys)_temp' and ${own('p.oid', 'pg_proc')}
  union all
  select 'schema ' || n.nspname from pg_namespace n where n.nspname !~ '^(pg|sys)_(toast|temp)' and n.nspname <> 'public'
     and ${own('n.oid', 'pg_namespace')}`
       : ''
   } order by 1`;

const tablesQuery = (scope: InventoryScope): string => `
  select n.nspname::text as schema, c.relname::text as table from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and n.nspname !~ '^(pg|sys)_(toast|temp)'
     and c.relpersistence <> 't' and ${own('c.oid', 'pg_class')}${inSchema(scope)} order by c.relpages desc`;

const sequencesQuery = (scope: InventoryScope): string => `
  select ${nameOf(scope, 'c.relname')} as name, coalesce(pg_sequence_last_value(c.oid)::text, 'unused') as value
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'S' and c.relpersistence <> 't' and ${own('c.oid', 'pg_class')}${inSchema(scope)}`;

/** Counts every row: what is compared is what arrived, not what a program said about it. */
export async function readInventory(
  session: Session,
  scope: InventoryScope,
  onTable: () => void = () => undefined,
): Promise<Inventory> {
  const objects = (await session.query(objectsQuery(scope))).map((row) => textOf(row, 'name'));
  const rows = new Map<string, string>();
  for (const row of await session.query(tablesQuery(scope))) {
    const name = { schema: textOf(row, 'schema'), table: textOf(row, 'table') };
    const counted = await session.queryOne(`select count(*)::text as n from only ${quotedTable(name)}`);
    rows.set(scope.schema === undefined ? `${name.schema}.${name.table}` : name.table, textOf(counted, 'n'));
    onTable();
  }
  const sequences = await session.query(sequencesQuery(scope));
  const large = await session.queryOne('select count(*)::text as n from pg_largeobject_metadata');
  return {
    objects,
    rows,
    sequences: new Map(sequences.map((row) => [textOf(row, 'name'), textOf(row, 'value')])),
    largeObjects: scope.schema === undefined ? Number(textOf(large, 'n')) : 0,
  };
}
