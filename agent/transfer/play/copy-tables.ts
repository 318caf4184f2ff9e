import { fail } from '#core/errors/fail.ts';
import type { TableName } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import { firstDifference } from '#core/transfer/inventory.ts';
import { quoted, quotedTable, stagingSchema } from '#core/transfer/names.ts';
import type { WantedTable } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import { cutInheritance } from './cut-inheritance.ts';
import { dumpInto } from './dump-into.ts';
import type { LaterKey } from '#agent/transfer/swap/later-keys.ts';
import { holdKeysBack } from '#agent/transfer/swap/later-keys.ts';
import { makeSchemas } from './made.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import type { DatabaseEnd } from './play-archive.ts';
import { readInventory } from '#agent/transfer/read-inventory.ts';
import type { TableFamily } from '#agent/transfer/table-facts.ts';
import { refuseReplicated } from '#agent/transfer/swap/replication.ts';
import { warnComputed } from '#agent/transfer/swap/texts-that-name.ts';
import { tablesOn } from '#agent/transfer/swap/standing.ts';
import { dependentsOf, familyOf, hasSchema, isTaken } from '#agent/transfer/table-facts.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/** Tables that were built beside the live ones, in schemas of their own. */
export interface BuiltTables {
  readonly database: string;
  readonly tables: readonly BuiltTable[];
  /** Schemas that hold nothing but them. */
  readonly staging: readonly string[];
  readonly laterKeys: readonly LaterKey[];
}

export interface BuiltTable {
  readonly wanted: WantedTable;
  readonly family: TableFamily;
  readonly staging: string;
}

/** A source whose databases nobody else uses: the wanted tables are moved in it, into schemas of their own. */
export interface TableSource {
  readonly end: DatabaseEnd;
  readonly session: Session;
}

/**
 * Builds copies of tables in the live database, in schemas that nobody looks into, with indexes, constraints, triggers and
 * rights, and proves them. No live table is locked meanwhile: foreign keys to them are made right before the swap. Throws `transfer_table_…`, `transfer_schema_missing`,
 * `transfer_name_taken`, `transfer_refused`, `transfer_differs`, `cancelled`.
 */
export async function copyTables(
  work: TransferWork,
  { end, session }: TableSource,
  tables: readonly WantedTable[],
): Promise<BuiltTables> {
  const { target, tally, watch } = work;
  const database = tables[0]?.database ?? end.database;
  const live = await target.open(database);
  try {
    const built: BuiltTable[] = [];
    for (const wanted of tables) built.push(await planTable(work, { source: session, live }, { wanted, all: tables }));
    const staging = [...new Set(built.map((one) => one.staging))];
    const members = built.flatMap(({ family }) => family.members);
    tally.warnings.push(...(await cutInheritance(session, { schemas: [], tables: members })));
    for (const { family, staging: schema } of built) await stage(session, family, schema);
    const laterKeys = await holdKeysBack(session, staging);
    const names = [...new Set(tables.map(({ schema }) => schema))];
    tally.warnings.push(...(await warnComputed(session, { staging, names })));
    tally.enter('transfer');
    const dump = {
      ...{ home: work.home, tools: work.tools, clock: work.clock, from: end, to: { access: target.access, database } },
      args: staging.map((schema) => `--schema=${patternOf(schema)}`),
      onBytes: (bytes: number): void => {
        tally.addBytes(bytes);
      },
    };
    const copy = (): Promise<void> => watch.time('transfer', () => dumpInto(dump, work.step));
    await makeSchemas(work, { live, database, names: staging }, copy);
    tally.enter('verify');
    for (const schema of staging) await watch.time('verify', () => prove(work, { source: session, live }, schema));
    return { database, tables: built, staging, laterKeys };
  } finally {
    await live.close();
  }
}

/** The dump takes patterns: our names have nothing in them that means more than itself. */
const patternOf = (schema: string): string => quoted(schema);

interface Ends {
  readonly source: Session;
  readonly live: Session;
}

async function planTable(
  { target, runId }: TransferWork,
  { source, live }: Ends,
  { wanted, all }: { readonly wanted: WantedTable; readonly all: readonly WantedTable[] },
): Promise<BuiltTable> {
  const { schema, table, as, database } = wanted;
  const staging = `${stagingSchema(runId)}_${String([...new Set(all.map((one) => one.schema))].indexOf(schema))}`;
  const family = (await familyOf(source, wanted)) ?? (await familyOf(source, { schema: staging, table }));
  if (family === undefined) throw fail('transfer_table_unknown', { table: tableText(wanted), database, near: '' });
  if (!(await hasSchema(live, schema)))
    throw fail('transfer_schema_missing', { schema, database, instance: target.instance });
  if (as !== table) {
    if (await isTaken(live, { schema, table: as }))
      throw fail('transfer_name_taken', { name: `${database}.${schema}.${as}`, instance: target.instance });
    return { wanted, family, staging };
  }
  refuseScattered(family);
  const replaced = await familyOf(live, wanted);
  if (replaced === undefined) {
    if (await isTaken(live, wanted))
      throw fail('transfer_name_taken', { name: `${database}.${tableText(wanted)}`, instance: target.instance });
    return { wanted, family, staging };
  }
  refuseScattered(replaced);
  await refuseDependents(live, replaced, all);
  const oid = (await tablesOn(live, { names: [replaced.root], oids: [] })).get(quotedTable(replaced.root));
  await refuseReplicated(live, `Table ${tableText(wanted)}`, [oid ?? '0']);
  return { wanted, family, staging };
}

/** A table and what it replaces move as one, into one schema. Throws `transfer_choice_bad` when partitions lie in another one. */
function refuseScattered({ root, members }: TableFamily): void {
  const elsewhere = members.filter(({ schema }) => schema !== root.schema);
  if (elsewhere.length === 0) return;
  throw fail('transfer_choice_bad', {
    why: `partitions of ${tableText(root)} lie in other schemas (${elsewhere.map(tableText).join(', ')}): give it a new name, or choose its whole database`,
  });
}

/** Throws `transfer_table_depends`. */
export async function refuseDependents(live: Session, replaced: TableFamily, all: readonly TableName[]): Promise<void> {
  const dependents = await dependentsOf(live, [...replaced.members, ...all]);
  if (dependents.length === 0) return;
  const more = dependents.length > 10 ? ` and ${String(dependents.length - 10)} more` : '';
  throw fail('transfer_table_depends', {
    table: tableText(replaced.root),
    dependents: `${dependents.slice(0, 10).join(', ')}${more}`,
  });
}

/** In the source, which is ours alone: what is wanted gets a schema that the dump can name and the target does not have. */
async function stage(source: Session, { members, statistics }: TableFamily, schema: string): Promise<void> {
  await source.query(`create schema if not exists ${quoted(schema)}`);
  for (const one of members)
    if (one.schema !== schema) await source.query(`alter table ${quotedTable(one)} set schema ${quoted(schema)}`);
  for (const one of statistics)
    if (one.schema !== schema) await source.query(`alter statistics ${quotedTable(one)} set schema ${quoted(schema)}`);
}

/** Throws `transfer_differs`. */
async function prove({ tally, step }: TransferWork, { source, live }: Ends, schema: string): Promise<void> {
  const [wanted, arrived] = await orCancelled(
    step.signal,
    Promise.all([readInventory(source, { schema }), readInventory(live, { schema })]),
  );
  const difference = firstDifference(wanted, arrived);
  if (difference !== undefined) throw fail('transfer_differs', { database: schema, difference });
  for (const rows of arrived.rows.values()) tally.addTable(Number(rows));
}
