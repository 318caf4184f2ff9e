import { quotedTable, undoneName, undoneSchema } from '#core/transfer/names.ts';
import type { RunId } from '#core/id.ts';
import type { TableName } from '#core/logical/selection.ts';
import type { Placed } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import type { Target } from '#agent/transfer/target.ts';

/** Where the things of one place are now. They are known by their oids, which a rename leaves; names are those of `placeOf`. */
export interface Standing {
  readonly one: Placed;
  /** Oid of what has the name of the place. */
  readonly holder: string | undefined;
  /** Name under which what was placed lies. */
  readonly placedLies: string | undefined;
  /** Name under which what was replaced lies. */
  readonly keptLies: string | undefined;
}

/** Name of a place within its database or instance. */
export const placeOf = (one: Placed): string => (one.kind === 'table' ? quotedTable(one) : one.name);

/** Name under which what was replaced is kept. */
export function keptPlaceOf(one: Placed): string | undefined {
  if (one.kind !== 'table') return one.keptAs;
  return one.keptIn === undefined ? undefined : quotedTable({ schema: one.keptIn, table: one.table });
}

/** Name under which what was placed lies after an undo. */
export function undonePlaceOf(one: Placed, of: RunId): string | undefined {
  if (one.kind !== 'table') return one.keptAs === undefined ? undefined : undoneName(one.name, of);
  return one.keptIn === undefined ? undefined : quotedTable({ schema: undoneSchema(one.keptIn), table: one.table });
}

/** True for what lies where the swap put it: the place has it, and what was replaced is kept where it should be. */
export const isInPlace = ({ one, holder, keptLies }: Standing): boolean =>
  holder === one.oid && (one.keptOid === undefined || keptLies === keptPlaceOf(one));

/** True for any sign that the swap happened: it is one transaction, so one sign is enough. */
export const hasSwapped = (all: readonly Standing[]): boolean =>
  all.some(
    ({ one, holder, keptLies }) =>
      holder === one.oid || (one.keptOid !== undefined && keptLies !== undefined && keptLies === keptPlaceOf(one)),
  );

/** Oids by name. */
type Oids = ReadonlyMap<string, string>;

const oidsOf = (rows: readonly Row[]): Oids => new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'oid')]));

/** Databases of an instance, by any session of it. */
export const databasesOn = async (session: Session): Promise<Oids> =>
  oidsOf(await session.query('select oid::text as oid, datname::text as name from pg_database'));

/** Schemas of the session's database. */
export const schemasOn = async (session: Session): Promise<Oids> =>
  oidsOf(await session.query('select oid::text as oid, nspname::text as name from pg_namespace'));

interface Tables {
  readonly names: readonly TableName[];
  readonly oids: readonly string[];
}

/** Relations that have one of the names or of the oids, by their names in quotes. */
export async function tablesOn(session: Session, { names, oids }: Tables): Promise<Oids> {
  const rows = await session.query(
    `select c.oid::text as oid, n.nspname::text as schema, c.relname::text as table from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
      where c.oid = any($1::oid[]) or (n.nspname::text, c.relname::text) in (select * from unnest($2::text[], $3::text[]))`,
    [`{${oids.join(',')}}`, names.map(({ schema }) => schema), names.map(({ table }) => table)],
  );
  return new Map(
    rows.map((row) => [
      quotedTable({ schema: textOf(row, 'schema'), table: textOf(row, 'table') }),
      textOf(row, 'oid'),
    ]),
  );
}

/** Standings of places of one kind by a session that sees all of them: for schemas and tables one of their database. */
export async function standingsIn(session: Session, placed: readonly Placed[]): Promise<readonly Standing[]> {
  const names = placed.filter((one) => one.kind === 'table');
  const oids = placed.flatMap(({ oid, keptOid }) => [oid, ...(keptOid === undefined ? [] : [keptOid])]);
  if (names.length > 0) return standingsBy(placed, await tablesOn(session, { names, oids }));
  const isOfDatabases = placed.some((one) => one.kind === 'database');
  return standingsBy(placed, isOfDatabases ? await databasesOn(session) : await schemasOn(session));
}

function standingsBy(placed: readonly Placed[], byName: Oids): readonly Standing[] {
  const byOid = new Map([...byName].map(([name, oid]) => [oid, name]));
  return placed.map((one) => ({
    one,
    holder: byName.get(placeOf(one)),
    placedLies: byOid.get(one.oid),
    keptLies: one.keptOid === undefined ? undefined : byOid.get(one.keptOid),
  }));
}

/** Standings of all that one run placed: whole databases, or parts of one database. Nothing is found in a database that is gone. */
export async function standingsOf(target: Target, placed: readonly Placed[]): Promise<readonly Standing[]> {
  const [first] = placed;
  if (first === undefined) return [];
  if (first.kind === 'database') return standingsIn(target.session, placed);
  const isThere = (await databasesOn(target.session)).has(first.database);
  if (!isThere) return standingsBy(placed, new Map());
  return inDatabase(target, first.database, (session) => standingsIn(session, placed));
}
