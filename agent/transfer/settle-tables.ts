import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { TableName } from '#core/logical/selection.ts';
import { quoted, quotedTable, undoneSchema } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { inOneTransaction, moveFamily } from './swap-tables.ts';
import { familyOf, hasSchema } from './table-facts.ts';

export type PlacedTable = Extract<Placed, { kind: 'table' }>;

/** Tables in a schema of kept ones, those that are no partitions. */
async function tablesIn(session: Session, schema: string): Promise<readonly TableName[]> {
  const rows = await session.query(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    [schema],
  );
  return rows.map((row) => ({ schema, table: textOf(row, 'name') }));
}

/** Drops kept tables and their schema, nothing else: what somebody made to depend on them is a refusal. Throws `transfer_swap_refused`. */
export async function dropKeptTables(session: Session, schema: string): Promise<readonly string[]> {
  if (!(await hasSchema(session, schema))) return [];
  const tables = await tablesIn(session, schema);
  await inOneTransaction(session, schema, async () => {
    if (tables.length > 0) await session.query(`drop table ${tables.map(quotedTable).join(', ')}`);
    await session.query(`drop schema ${quoted(schema)}`);
  });
  return tables.map((one) => `${one.schema}.${one.table}`);
}

/** Kept tables take their places again, in one transaction; those that had them go into a schema of this run. Throws `transfer_kept_gone`. */
export async function putTablesBack(session: Session, of: RunId, placed: readonly PlacedTable[]): Promise<void> {
  const undone = undoneSchema(of);
  const kept = placed.filter((one) => one.keptIn !== undefined);
  if (kept.length === 0 || (await hasSchema(session, undone))) return;
  await inOneTransaction(session, kept.map(placedText).join(', '), async () => {
    await session.query(`create schema ${quoted(undone)}`);
    for (const one of kept) {
      const recovered = await familyOf(session, one);
      if (recovered !== undefined) await moveFamily(session, recovered, undone);
    }
    for (const { keptIn = '', ...one } of kept) {
      const old = await familyOf(session, { schema: keptIn, table: one.table });
      if (old === undefined)
        throw fail('transfer_kept_gone', { run: of, instance: session.instance, what: `${keptIn}.${one.table}` });
      await moveFamily(session, old, one.schema);
    }
    for (const schema of new Set(kept.map(({ keptIn = '' }) => keptIn)))
      await session.query(`drop schema ${quoted(schema)}`);
  });
}
