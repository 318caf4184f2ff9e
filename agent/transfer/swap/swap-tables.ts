import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import { cutName, quoted, quotedTable } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import type { BuiltTable, BuiltTables } from '#agent/transfer/play/copy-tables.ts';
import { refuseDependents } from '#agent/transfer/play/copy-tables.ts';
import { demandInPlace } from './demand-in-place.ts';
import { inOneTransaction } from '#agent/transfer/play/in-one-transaction.ts';
import { refuseReplicated } from './replication.ts';
import type { TableFamily } from '#agent/transfer/table-facts.ts';
import { familyOf, isTaken } from '#agent/transfer/table-facts.ts';
import { demandSameKeys, takeKeysOff } from './taken-keys.ts';

/**
 * Puts built tables into their places in one transaction: the old ones go aside into schemas of this run, or the new ones
 * get new names. All of it happens or none. Throws `transfer_swap_refused`, `transfer_table_depends`, `transfer_replicated`.
 */
export const swapTables = (live: Session, built: BuiltTables, placed: readonly Placed[]): Promise<void> =>
  inOneTransaction(live, placed.map(placedText).join(', '), async () => {
    await moveAside(live, placed);
    for (const one of built.tables) await place(live, one);
    for (const schema of built.staging) await live.query(`drop schema ${quoted(schema)}`);
    await demandInPlace(live, placed);
  });

/** What is replaced, as it is now: partitions may have come since the copy began. */
async function moveAside(live: Session, placed: readonly Placed[]): Promise<void> {
  const kept = placed.flatMap((one) =>
    one.kind === 'table' && one.keptIn !== undefined ? [{ ...one, keptIn: one.keptIn }] : [],
  );
  for (const schema of new Set(kept.map(({ keptIn }) => keptIn))) await live.query(`create schema ${quoted(schema)}`);
  for (const one of kept) await live.query(`lock table ${quotedTable(one)} in access exclusive mode`);
  await demandSameKeys(live, placed);
  const families: { readonly family: TableFamily; readonly to: string }[] = [];
  for (const { keptIn: to, keptOid = '', ...one } of kept) {
    const family = await familyOf(live, one);
    if (family === undefined) continue;
    await refuseDependents(live, family, kept);
    await refuseReplicated(live, `Table ${tableText(one)}`, [keptOid]);
    families.push({ family, to });
  }
  for (const one of placed) await takeKeysOff(live, one);
  for (const { family, to } of families) await moveFamily(live, family, to);
}

/** Indexes, constraints and owned sequences move with their table; statistics do not. */
export async function moveFamily(live: Session, family: TableFamily, schema: string): Promise<void> {
  for (const one of family.members) await live.query(`alter table ${quotedTable(one)} set schema ${quoted(schema)}`);
  for (const one of family.statistics)
    await live.query(`alter statistics ${quotedTable(one)} set schema ${quoted(schema)}`);
}

async function place(live: Session, { wanted, family, staging }: BuiltTable): Promise<void> {
  const staged: TableFamily = {
    root: { schema: staging, table: wanted.table },
    members: family.members.map(({ table }) => ({ schema: staging, table })),
    statistics: family.statistics.map(({ table }) => ({ schema: staging, table })),
  };
  if (wanted.as !== wanted.table) await rename(live, staged, wanted);
  const renamed = wanted.as === wanted.table ? staged : await renamedFamily(live, staged, wanted);
  await moveFamily(live, renamed, wanted.schema);
}

const belongingsQuery = `
  select c.relname::text as name, c.relkind::text as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and (c.relkind in ('i', 'I', 'S') or (c.relkind in ('r', 'p') and c.relispartition))`;

/** A table under a new name: what lies in the same schema under names of its own gets new ones too where they are taken. */
async function rename(
  live: Session,
  { root }: TableFamily,
  wanted: TableName & { readonly as: string },
): Promise<void> {
  for (const row of await live.query(belongingsQuery, [root.schema])) {
    const [name, kind] = [textOf(row, 'name'), textOf(row, 'kind')];
    if (!(await isTaken(live, { schema: wanted.schema, table: name }))) continue;
    const what = kind === 'S' ? 'sequence' : kind === 'r' || kind === 'p' ? 'table' : 'index';
    const to = newNameOf(name, wanted);
    await live.query(`alter ${what} ${quoted(root.schema)}.${quoted(name)} rename to ${quoted(to)}`);
  }
  await live.query(`alter table ${quotedTable(root)} rename to ${quoted(wanted.as)}`);
}

const newNameOf = (name: string, { table, as }: { readonly table: string; readonly as: string }): string =>
  cutName(name.startsWith(table) ? `${as}${name.slice(table.length)}` : `${as}_${name}`);

/** Partitions may have got new names, too: what is in the staging schema now is what moves. */
async function renamedFamily(
  live: Session,
  { root, statistics }: TableFamily,
  { as }: { readonly as: string },
): Promise<TableFamily> {
  const rows = await live.query(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relispartition`,
    [root.schema],
  );
  const members = rows.map((row) => ({ schema: root.schema, table: textOf(row, 'name') }));
  return { root: { schema: root.schema, table: as }, members, statistics };
}
