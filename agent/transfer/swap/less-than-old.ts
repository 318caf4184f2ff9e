import type { Warning } from '#core/run/progress.ts';
import type { Placed } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import type { Built } from './planned-places.ts';
import type { Target } from '#agent/transfer/target.ts';

const partitionsQuery = `
  with recursive family(root, oid) as (
    select one, one from unnest($1::oid[]) one
    union all select f.root, i.inhrelid from pg_inherits i join family f on f.oid = i.inhparent
      join pg_class c on c.oid = i.inhrelid where c.relispartition)
  select f.root::text as root, c.relname::text as name from family f join pg_class c on c.oid = f.oid where f.root <> f.oid order by 2`;

/** A replaced table, and partitions of it that the one in its place does not have. */
interface LessThanOld {
  readonly one: Placed;
  readonly partitions: readonly string[];
}

/** Partitions that were made since the point, or that an early set does not hold: only what was replaced has their rows. */
export async function partitionsOnlyInOld(target: Target, placed: readonly Placed[]): Promise<readonly LessThanOld[]> {
  const replaced = placed.flatMap((one) =>
    one.kind === 'table' && one.keptOid !== undefined ? [{ one, keptOid: one.keptOid }] : [],
  );
  const [first] = replaced;
  if (first === undefined) return [];
  const oids = replaced.flatMap(({ one, keptOid }) => [one.oid, keptOid]);
  const rows = await inDatabase(target, first.one.database, (session) =>
    session.query(partitionsQuery, [`{${oids.join(',')}}`]),
  );
  const namesOf = (root: string): readonly string[] =>
    rows.filter((row) => textOf(row, 'root') === root).map((row) => textOf(row, 'name'));
  return replaced.flatMap(({ one, keptOid }) => {
    const there = new Set(namesOf(one.oid));
    const partitions = namesOf(keptOid).filter((name) => !there.has(name));
    return partitions.length === 0 ? [] : [{ one, partitions }];
  });
}

/** Code of the warning that unlogged tables are empty in what was built. */
export const unloggedEmpty = 'unlogged_empty';

const unloggedQuery = `
  select n.nspname::text as schema, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'S') and c.relpersistence = 'u' and ($1::text[] is null or n.nspname::text = any($1::text[])) order by 1, 2`;

/** Recovery empties unlogged tables (PG manual "CREATE TABLE", UNLOGGED): what was built from a physical set has none of their rows. */
export async function warnUnlogged(target: Target, { databases, schemas, tables }: Built): Promise<readonly Warning[]> {
  const found: string[] = [];
  for (const { wanted, temporary } of databases) {
    const names = await inDatabase(target, temporary, (session) => unloggedIn(session, null));
    found.push(...names.map(({ schema, name }) => `${wanted.as}.${schema}.${name}`));
  }
  const parts = schemas ?? tables;
  if (parts !== undefined) {
    const staging = schemas?.schemas.map((one) => one.staging) ?? tables?.staging ?? [];
    const names = await inDatabase(target, parts.database, (session) => unloggedIn(session, staging));
    found.push(...names.map(({ name }) => name));
  }
  if (found.length === 0) return [];
  return [
    {
      code: unloggedEmpty,
      detail: `no physical set holds rows of unlogged tables, these are empty: ${found.join(', ')}`,
    },
  ];
}

const unloggedIn = async (session: Session, schemas: readonly string[] | null) =>
  (await session.query(unloggedQuery, [schemas])).map((row) => ({
    schema: textOf(row, 'schema'),
    name: textOf(row, 'name'),
  }));

/** In words, why what was replaced is not dropped. */
export const textOfLess = ({ one, partitions }: LessThanOld): string =>
  `${placedText(one)} is without partitions that the replaced one has: ${partitions.join(', ')}`;
