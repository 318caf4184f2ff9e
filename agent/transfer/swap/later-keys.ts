import { z } from 'zod';
import { quoted, quotedTable } from '#core/transfer/names.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { inOneTransaction } from '#agent/transfer/play/in-one-transaction.ts';

const keyShape = z.object({
  schema: z.string(),
  table: z.string(),
  name: z.string(),
  /** As the server writes it, with schemas. */
  definition: z.string(),
  isPartitioned: z.boolean(),
  isValid: z.boolean(),
});

/** A foreign key of what is copied to a table that is not: it is made right before the swap. */
export type LaterKey = z.output<typeof keyShape>;

/** In the source, which is ours alone; a retried attempt finds there what it took off before. */
const book = 'holdfast_tmp_keys.later';

const keysQuery = `
  select n.nspname::text as schema, c.relname::text as table, k.conname::text as name, pg_get_constraintdef(k.oid) as definition,
         c.relkind = 'p' as is_partitioned, k.convalidated as is_valid
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_class r on r.oid = k.confrelid join pg_namespace o on o.oid = r.relnamespace
   where k.contype = 'f' and k.conparentid = 0 and n.nspname::text = any($1::text[]) and o.nspname::text <> all($1::text[])`;

/**
 * Takes foreign keys to tables that are not copied off the staged tables of the source: with them the copy would lock live tables, and hold
 * their rows, long before it takes its place.
 */
export async function holdKeysBack(source: Session, staging: readonly string[]): Promise<readonly LaterKey[]> {
  await source.query('begin');
  await source.query('create schema if not exists holdfast_tmp_keys');
  await source.query(`create table if not exists ${book} (key jsonb not null)`);
  await source.query(
    `insert into ${book} select jsonb_build_object('schema', "schema", 'table', "table", 'name', name, 'definition', definition,
       'isPartitioned', is_partitioned, 'isValid', is_valid) from (${keysQuery}) found`,
    [staging],
  );
  const rows = await source.query(`select key::text as key from ${book} order by 1`);
  const keys = rows.map((row) => keyShape.parse(JSON.parse(textOf(row, 'key'))));
  for (const key of keys)
    await source.query(`alter table ${quotedTable(key)} drop constraint if exists ${quoted(key.name)}`);
  await source.query('commit');
  return keys;
}

/**
 * Makes them on what was built, before it takes its place. Live tables are locked for an instant each, and rows are checked without holding
 * up who writes (PG manual "ALTER TABLE", NOT VALID); servers can do so for a partitioned table only since 18, which is checked under the
 * lock. Throws `transfer_swap_refused`: rows that refer to nothing that is live.
 */
export async function putLaterKeysOn(live: Session, keys: readonly LaterKey[]): Promise<void> {
  for (const key of keys) {
    const [table, name] = [quotedTable(key), quoted(key.name)];
    const isChecked = !key.isValid || key.isPartitioned;
    await inOneTransaction(live, key.name, () =>
      live.query(`alter table ${table} add constraint ${name} ${key.definition}${isChecked ? '' : ' not valid'}`),
    );
    if (!isChecked)
      await inOneTransaction(live, key.name, () => live.query(`alter table ${table} validate constraint ${name}`));
  }
}
