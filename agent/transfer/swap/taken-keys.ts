import { fail } from '#core/errors/fail.ts';
import { quoted, quotedTable } from '#core/transfer/names.ts';
import type { Placed, TakenKey } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import type { Standing } from './standing.ts';

/** Tables that are moved aside, with their partitions, each under the oid of what is kept: a table, or a schema. */
const movedTables = `
  with recursive moved(oid, kept) as (
    select c.oid, case when c.relnamespace = any($1::oid[]) then c.relnamespace else c.oid end from pg_class c
     where c.relkind in ('r', 'p') and (c.oid = any($1::oid[]) or c.relnamespace = any($1::oid[]))
    union select i.inhrelid, m.kept from pg_inherits i join moved m on m.oid = i.inhparent
      join pg_class c on c.oid = i.inhrelid where c.relispartition)`;

const keysQuery = `${movedTables}
  select distinct m.kept::text as kept, n.nspname::text as schema, c.relname::text as table, k.conname::text as name,
         pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join moved m on m.oid = k.conrelid join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
   where k.contype = 'f' and k.conparentid = 0 and k.confrelid not in (select oid from moved)
   order by 2, 3, 4`;

/**
 * Foreign keys of what is to be kept that point to tables which stay: a kept row would forbid to delete, or follow the deletion of, a
 * live one. They are taken off at the swap (PG manual "Constraints").
 */
export async function withTakenKeys(live: Session, placed: readonly Placed[]): Promise<readonly Placed[]> {
  const keys = await keysOf(live, placed);
  return placed.map((one) => {
    const takenKeys = keys.get(one.keptOid ?? '') ?? [];
    return takenKeys.length === 0 ? one : { ...one, takenKeys };
  });
}

/** Foreign keys are told durably before they are taken off. Throws `transfer_swap_refused` when there are others by now. */
export async function demandSameKeys(live: Session, placed: readonly Placed[]): Promise<void> {
  const keys = await keysOf(live, placed);
  const other = placed.filter(
    ({ keptOid = '', takenKeys = [] }) => JSON.stringify(keys.get(keptOid) ?? []) !== JSON.stringify(takenKeys),
  );
  if (other.length === 0) return;
  const name = other.map(placedText).join(', ');
  throw fail('transfer_swap_refused', { name, reason: 'foreign keys of what is replaced were changed meanwhile' });
}

/** By the oid of what is kept. Definitions name tables with their schemas: no schema is looked into by itself. */
async function keysOf(live: Session, placed: readonly Placed[]): Promise<ReadonlyMap<string, readonly TakenKey[]>> {
  const oids = placed.flatMap(({ keptOid }) => keptOid ?? []);
  const keys = new Map<string, TakenKey[]>(oids.map((oid) => [oid, []]));
  if (oids.length === 0) return keys;
  for (const row of await live.query(keysQuery, [`{${oids.join(',')}}`]))
    keys.get(textOf(row, 'kept'))?.push({
      ...{ schema: textOf(row, 'schema'), table: textOf(row, 'table') },
      ...{ name: textOf(row, 'name'), definition: textOf(row, 'definition') },
    });
  return keys;
}

/** Before what has them is moved aside. */
export async function takeKeysOff(live: Session, { takenKeys = [] }: Placed): Promise<void> {
  for (const key of takenKeys) await live.query(`alter table ${quotedTable(key)} drop constraint ${quoted(key.name)}`);
}

/**
 * The same for what an undo sets aside, while it still has its place: rows of it would hold live ones, too. It never comes back, so nobody
 * needs to know of them.
 */
export async function takeUndoneKeysOff(live: Session, standings: readonly Standing[]): Promise<void> {
  const undone = standings.flatMap(({ one, holder }) =>
    holder === one.oid ? [{ ...one, keptOid: one.oid, takenKeys: [] }] : [],
  );
  for (const one of await withTakenKeys(live, undone)) await takeKeysOff(live, one);
}

/** When what had them is in its place again; rows that refer to nothing by now are a refusal of the server. */
export async function putKeysOn(live: Session, { takenKeys = [] }: Placed): Promise<void> {
  for (const key of takenKeys)
    await live.query(`alter table ${quotedTable(key)} add constraint ${quoted(key.name)} ${key.definition}`);
}
