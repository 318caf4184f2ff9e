import { catalogOid } from '#core/engine/catalog-oids.ts';
import { fail } from '#core/errors/fail.ts';
import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import { quoted, quotedTable, undoneSchema } from '#core/transfer/names.ts';
import { placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { refuseDependents } from '#agent/transfer/play/copy-tables.ts';
import { inOneTransaction } from '#agent/transfer/play/in-one-transaction.ts';
import { refuseReplicated } from './replication.ts';
import type { Standing } from './standing.ts';
import { moveFamily } from './swap-tables.ts';
import { putKeysOn, takeUndoneKeysOff } from './taken-keys.ts';
import type { TableFamily } from '#agent/transfer/table-facts.ts';
import { familyOf } from '#agent/transfer/table-facts.ts';

/**
 * Drops tables, by their names in quotes, and then their schemas, which hold nothing else: what somebody made to depend on them, or put
 * beside them, is a refusal. Throws `transfer_table_depends`, `transfer_swap_refused`.
 */
export function dropTables(session: Session, names: readonly string[]): Promise<void> {
  return inOneTransaction(session, names.join(', '), async () => {
    const tables = await tablesNamed(session, names);
    for (const table of tables) await refuseDependents(session, await demandFamily(session, table), tables);
    await session.query(`drop table ${names.join(', ')}`);
    for (const schema of new Set(tables.map((one) => one.schema))) await dropEmptied(session, schema);
  });
}

async function tablesNamed(session: Session, names: readonly string[]): Promise<readonly TableName[]> {
  const rows = await session.query(
    `select n.nspname::text as schema, c.relname::text as table from unnest($1::text[]) one join pg_class c on c.oid = one::regclass
       join pg_namespace n on n.oid = c.relnamespace`,
    [names],
  );
  return rows.map((row) => ({ schema: textOf(row, 'schema'), table: textOf(row, 'table') }));
}

/**
 * Kept tables take their places again, in one transaction; those that had them go into schemas of this run. Throws `transfer_table_depends`,
 * `transfer_replicated`, `transfer_swap_refused`.
 */
export function putTablesBack(session: Session, standings: readonly Standing[]): Promise<void> {
  const all = standings.flatMap(({ one, holder }) => (one.kind === 'table' ? [{ one, holder }] : []));
  return inOneTransaction(session, all.map(({ one }) => placedText(one)).join(', '), async () => {
    const aside = new Set(all.flatMap(({ one: { keptIn } }) => (keptIn === undefined ? [] : [undoneSchema(keptIn)])));
    for (const schema of aside) await session.query(`create schema ${quoted(schema)}`);
    const recovered: { readonly family: TableFamily; readonly to: string }[] = [];
    for (const { one, holder } of all) {
      if (holder === undefined || one.keptIn === undefined) continue;
      await session.query(`lock table ${quotedTable(one)} in access exclusive mode`);
      const family = await demandFamily(session, one);
      await refuseDependents(
        session,
        family,
        all.map((other) => other.one),
      );
      await refuseReplicated(session, `Table ${tableText(one)}`, [holder]);
      recovered.push({ family, to: undoneSchema(one.keptIn) });
    }
    await takeUndoneKeysOff(session, standings);
    for (const { family, to } of recovered) await moveFamily(session, family, to);
    for (const { one } of all) {
      if (one.keptIn === undefined) continue;
      const old = await demandFamily(session, { schema: one.keptIn, table: one.table });
      await moveFamily(session, old, one.schema);
    }
    for (const { one } of all) await putKeysOn(session, one);
    for (const schema of new Set(all.flatMap(({ one }) => one.keptIn ?? []))) await dropEmptied(session, schema);
    for (const schema of aside) if (await isEmpty(session, schema)) await dropEmptied(session, schema);
  });
}

/** Throws `transfer_swap_refused`. */
async function demandFamily(session: Session, table: TableName): Promise<TableFamily> {
  const family = await familyOf(session, table);
  if (family === undefined) throw fail('transfer_swap_refused', { name: tableText(table), reason: 'it is gone' });
  return family;
}

const contentsQuery = `
  select pg_describe_object(d.classid, d.objid, 0) as name from pg_depend d
   where d.refclassid = ${catalogOid.pg_namespace} and d.refobjid = (select oid from pg_namespace where nspname = $1)
   order by 1 limit 10`;

const isEmpty = async (session: Session, schema: string): Promise<boolean> =>
  (await session.query(contentsQuery, [schema])).length === 0;

/** A schema of ours, when the tables that it was made for have left it. Throws `transfer_swap_refused` naming what somebody put into it. */
async function dropEmptied(session: Session, schema: string): Promise<void> {
  const left = (await session.query(contentsQuery, [schema])).map((row) => textOf(row, 'name'));
  if (left.length > 0)
    throw fail('transfer_swap_refused', { name: schema, reason: `${left.join(', ')} was put into it since` });
  await session.query(`drop schema ${quoted(schema)}`);
}
