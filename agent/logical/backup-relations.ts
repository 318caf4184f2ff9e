import { catalogOid } from '#core/engine/catalog-oids.ts';
import { fail } from '#core/errors/fail.ts';
import type { RelationOfDatabase } from '#core/logical/meta.ts';
import type { DatabaseSelection, TableName } from '#core/logical/selection.ts';
import type { PartitionLeftOut } from '#core/logical/set-summary.ts';
import { isSelected, isUnpicked, tableText, wholeDatabase } from '#core/logical/selection.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { flagOf, textOf } from '#agent/database/session.ts';

/** A relation of a database that is wanted. */
export interface FoundRelation extends RelationOfDatabase {
  readonly oid: string;
  readonly isPartition: boolean;
  readonly isUnlogged: boolean;
  readonly isReadable: boolean;
  /** Row security would hide rows from this login. */
  readonly isFiltered: boolean;
  /** The partitioned tables it is a part of, the nearest first. */
  readonly above: readonly TableName[];
  /** Set when an extension owns it: which rows of it are the user's own, '' for all. */
  readonly extensionRows?: string;
}

/** What is wanted of a database, and what its excluded tables stand for: they and all their partitions. */
export interface Selected {
  readonly relations: readonly FoundRelation[];
  readonly excluded: readonly TableName[];
  readonly leftOut: readonly PartitionLeftOut[];
}

const kinds: Readonly<Record<string, RelationOfDatabase['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized-view',
  f: 'foreign-table',
  S: 'sequence',
};

/** Schemas of the system have oids below the first that a user can get, all but `public`. */
const relationsSql = `
  select c.oid::text as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
    c.relispartition as partition, c.relpersistence::text as persistence,
    (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as readable,
    row_security_active(c.oid) as filtered,
    coalesce((select i.inhparent::text from pg_inherits i where i.inhrelid = c.oid and c.relispartition limit 1), '') as parent,
    coalesce((select d.refobjid::text from pg_depend d where d.classid = ${catalogOid.pg_class} and d.objid = c.oid and d.objsubid = 0
       and d.refclassid = ${catalogOid.pg_class} and d.refobjsubid > 0 and d.deptype in ('a', 'i') and c.relkind = 'S' limit 1), '') as owner,
    exists (select 1 from pg_depend d where d.classid = ${catalogOid.pg_class} and d.objid = c.oid and d.deptype = 'e') as extension,
    exists (select 1 from pg_depend d where d.classid = ${catalogOid.pg_class} and d.objid = c.oid and d.objsubid = 0
       and d.refclassid = ${catalogOid.pg_class} and d.refobjsubid > 0 and d.deptype = 'i' and c.relkind = 'S') as identity
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'
    and (n.oid >= 16384 or n.nspname = 'public') and n.nspname !~ '^pg_'
  order by n.nspname, c.relname`;

/** Tables of extensions whose rows belong to the user (PG manual "Extension Configuration Tables"). */
const configurationSql = `select t.oid::text as oid, coalesce(e.extcondition[t.n], '') as condition
  from pg_extension e, unnest(e.extconfig) with ordinality as t (oid, n)`;

const schemasSql = `select n.nspname::text as name from pg_namespace n where n.nspname = any ($1::text[])`;

interface ListedRelation extends Omit<FoundRelation, 'above' | 'extensionRows'> {
  readonly parent: string;
  readonly owner: string;
  /** A sequence that belongs to an identity column and is nothing without it. */
  readonly isIdentity: boolean;
  readonly isOfExtension: boolean;
}

/**
 * What is wanted of a database, by its catalog as this session sees it: tables with those that are partitions of wanted ones,
 * sequences with those that wanted tables own, and the names of what holds no rows. What an extension owns comes back with the
 * extension; only rows that it calls the user's own are wanted. Throws `logical_selection_missing`.
 */
export async function selectedRelations(session: Session, selection: DatabaseSelection): Promise<Selected> {
  const rows = (await session.query(relationsSql)).flatMap(listedOf);
  const byOid = new Map(rows.map((row) => [row.oid, row]));
  await demandNamed(session, selection, rows);
  const conditions = new Map(
    (await session.query(configurationSql)).map((row) => [textOf(row, 'oid'), textOf(row, 'condition')]),
  );
  const relations = rows.flatMap((row): FoundRelation[] => {
    const above = aboveOf(row, byOid);
    const owner = byOid.get(row.owner);
    const isOwned = owner !== undefined && isSelected(selection, owner, aboveOf(owner, byOid));
    if (!isSelected(selection, row, above) && !isOwned) return [];
    // As dump tools do: the sequence of a serial column may stand alone, that of an identity column may not.
    if (row.isIdentity && !isOwned) return [];
    const { oid, schema, table, kind, isPartition, isUnlogged, isReadable, isFiltered } = row;
    const relation = { oid, schema, table, kind, isPartition, isUnlogged, isReadable, isFiltered, above };
    if (!row.isOfExtension) return [relation];
    const condition = conditions.get(row.oid);
    return condition === undefined ? [] : [{ ...relation, extensionRows: condition }];
  });
  const left = { ...wholeDatabase(selection.database), tables: selection.excludeTables };
  const excluded = isUnpicked(left) ? [] : rows.filter((row) => isSelected(left, row, aboveOf(row, byOid)));
  return { relations, excluded, leftOut: leftOutOf(selection, rows, byOid) };
}

/** A table of the set without one of its partitions is less than the live one: a restore has to know. */
function leftOutOf(
  selection: DatabaseSelection,
  rows: readonly ListedRelation[],
  byOid: ReadonlyMap<string, ListedRelation>,
): readonly PartitionLeftOut[] {
  return rows.flatMap((row) => {
    const above = aboveOf(row, byOid);
    if (above.length === 0 || isSelected(selection, row, above)) return [];
    const partOf = above.filter((one, index) => isSelected(selection, one, above.slice(index + 1)));
    return partOf.length === 0 ? [] : [{ schema: row.schema, table: row.table, partOf }];
  });
}

function listedOf(row: Row): ListedRelation[] {
  const kind = kinds[textOf(row, 'kind')];
  if (kind === undefined) return [];
  return [
    {
      ...{ kind, oid: textOf(row, 'oid'), schema: textOf(row, 'schema'), table: textOf(row, 'name') },
      ...{ isPartition: flagOf(row, 'partition'), isUnlogged: textOf(row, 'persistence') === 'u' },
      ...{ isReadable: flagOf(row, 'readable'), isFiltered: flagOf(row, 'filtered') },
      ...{ parent: textOf(row, 'parent'), owner: textOf(row, 'owner'), isOfExtension: flagOf(row, 'extension') },
      isIdentity: flagOf(row, 'identity'),
    },
  ];
}

function aboveOf(row: ListedRelation, byOid: ReadonlyMap<string, ListedRelation>): readonly TableName[] {
  const above: TableName[] = [];
  for (let next = byOid.get(row.parent); next !== undefined; next = byOid.get(next.parent))
    above.push({ schema: next.schema, table: next.table });
  return above;
}

/** A name that was chosen and is not there would be a backup without it. What was excluded may be gone. */
async function demandNamed(
  session: Session,
  { database, schemas, tables }: DatabaseSelection,
  rows: readonly ListedRelation[],
): Promise<void> {
  const there = new Set((await session.query(schemasSql, [schemas])).map((row) => textOf(row, 'name')));
  const missing = [
    ...schemas.filter((schema) => !there.has(schema)).map((schema) => `schema ${schema}`),
    ...tables
      .filter((name) => !rows.some(({ schema, table }) => schema === name.schema && table === name.table))
      .map((name) => `table ${tableText(name)}`),
  ];
  if (missing.length === 0) return;
  const [first, second, third] = missing;
  const some = [first, second, third].filter((one) => one !== undefined).join(', ');
  const names = missing.length > 3 ? `${some} and ${String(missing.length - 3)} more` : some;
  throw fail('logical_selection_missing', { database, names, near: '' });
}

/** Throws `logical_denied`, `logical_row_security` with the first of the objects: before anything is read. */
export function demandReadable(selection: DatabaseSelection, user: string, found: readonly FoundRelation[]): void {
  const { database } = selection;
  const read = found.filter(({ kind }) => kind === 'table' || kind === 'partitioned' || kind === 'sequence');
  const denied = read.filter(({ isReadable }) => !isReadable);
  if (denied[0] !== undefined)
    throw fail('logical_denied', { user, database, count: String(denied.length), first: tableText(denied[0]) });
  const filtered = read.filter(({ isFiltered }) => isFiltered);
  if (filtered[0] !== undefined)
    throw fail('logical_row_security', {
      user,
      database,
      count: String(filtered.length),
      first: tableText(filtered[0]),
    });
}

/** One dump of definitions: tool switches do not mix schemas and tables, so that a mixed choice takes two. */
export interface DumpPart {
  readonly schemas: readonly string[];
  readonly tables: readonly TableName[];
  readonly excludeSchemas: readonly string[];
  readonly excludeTables: readonly TableName[];
}

/** The dumps that together hold the definitions of what was selected. Partitions are named one by one: tools do not follow them. */
export function dumpPartsOf(selection: DatabaseSelection, { relations, excluded }: Selected): readonly DumpPart[] {
  const { schemas, excludeSchemas } = selection;
  const without = { excludeSchemas, excludeTables: excluded };
  if (isUnpicked(selection)) return [{ schemas: [], tables: [], ...without }];
  // A sequence comes with the table that owns it, unless it was named itself.
  const named = relations.filter(
    (one) => !schemas.includes(one.schema) && (one.kind !== 'sequence' || isSelected(selection, one)),
  );
  const parts: DumpPart[] = [];
  if (schemas.length > 0) parts.push({ schemas, tables: [], ...without });
  if (named.length > 0) parts.push({ schemas: [], tables: named, excludeSchemas: [], excludeTables: [] });
  return parts;
}
