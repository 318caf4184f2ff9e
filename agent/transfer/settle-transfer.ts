import { fail } from '#core/errors/fail.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import { undoneName, undoneSchema } from '#core/transfer/names.ts';
import type { SettleReport } from '#core/transfer/report.ts';
import type { Placed, SettleTask } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { inDatabase } from './put-into-place.ts';
import type { PlacedSchema } from './settle-schemas.ts';
import { dropKeptSchema, putSchemaBack } from './settle-schemas.ts';
import type { PlacedTable } from './settle-tables.ts';
import { dropKeptTables, putTablesBack } from './settle-tables.ts';
import { renameDatabases } from './swap-database.ts';
import type { Target } from './target.ts';
import { dropDatabase, namesOn, openTarget, refuseSessions } from './target.ts';

type PlacedDatabase = Extract<Placed, { kind: 'database' }>;

/**
 * Settles what a transfer replaced and kept: it is dropped, or it takes its place again, and what had that place is set aside
 * under a name of its own. Safe to run again: what is settled already stays so. Throws `transfer_kept_gone`, `transfer_in_use`,
 * `transfer_swap_refused`.
 */
export const settleTransfer =
  (): HostWork['settleTransfer'] =>
  async ({ instance, task }): Promise<SettleReport> => {
    const databases = task.placed.filter((one) => one.kind === 'database');
    const tables = task.placed.filter((one) => one.kind === 'table');
    const schemas = task.placed.filter((one) => one.kind === 'schema');
    const touched = databases.flatMap(({ name, keptAs }) => [name, ...(keptAs === undefined ? [] : [keptAs])]);
    const target = await openTarget(instance, touched);
    try {
      return task.does === 'confirm'
        ? await confirm(target, task, { databases, schemas, tables })
        : await undo(target, task, { databases, schemas, tables });
    } finally {
      await target.close();
    }
  };

interface Kept {
  readonly databases: readonly PlacedDatabase[];
  readonly schemas: readonly PlacedSchema[];
  readonly tables: readonly PlacedTable[];
}

async function confirm(
  target: Target,
  { does, endsSessions }: SettleTask,
  { databases, schemas: whole, tables }: Kept,
): Promise<SettleReport> {
  const dropped: string[] = [];
  const there = await namesOn(target);
  for (const { keptAs } of databases) {
    if (keptAs === undefined || !there.has(keptAs)) continue;
    if (!endsSessions) await refuseSessions(target, keptAs);
    await dropDatabase(target, keptAs);
    dropped.push(keptAs);
  }
  for (const { database, keptAs } of whole) {
    if (keptAs === undefined) continue;
    const isDropped = await inDatabase(target, database, (session) => dropKeptSchema(session, keptAs));
    if (isDropped) dropped.push(`${database}.${keptAs}`);
  }
  for (const [database, schemas] of keptSchemas(tables))
    for (const schema of schemas)
      dropped.push(...(await inDatabase(target, database, (session) => dropKeptTables(session, schema))));
  return { does, dropped, putBack: [], setAside: [] };
}

function keptSchemas(tables: readonly PlacedTable[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const { database, keptIn } of tables)
    if (keptIn !== undefined) all.set(database, (all.get(database) ?? new Set()).add(keptIn));
  return all;
}

async function undo(target: Target, task: SettleTask, { databases, schemas, tables }: Kept): Promise<SettleReport> {
  const kept = databases.flatMap(({ name, keptAs }) => (keptAs === undefined ? [] : [{ name, keptAs }]));
  await putDatabasesBack(target, task, kept);
  for (const one of schemas) await inDatabase(target, one.database, (session) => putSchemaBack(session, task.of, one));
  for (const database of new Set(tables.map((one) => one.database))) {
    const ofDatabase = tables.filter((one) => one.database === database);
    await inDatabase(target, database, (session) => putTablesBack(session, task.of, ofDatabase));
  }
  const oldSchemas = schemas.filter(({ keptAs }) => keptAs !== undefined);
  const old = tables.filter(({ keptIn }) => keptIn !== undefined);
  return {
    ...{ does: task.does, dropped: [] },
    putBack: [...kept.map(({ name }) => name), ...oldSchemas.map(placedText), ...old.map(placedText)],
    setAside: [
      ...kept.map(({ name }) => undoneName(name, task.of)),
      ...oldSchemas.map(({ database, name }) => `${database}.${undoneName(name, task.of)}`),
      ...old.map((one) => `${one.database}.${undoneSchema(task.of)}.${one.table}`),
    ],
  };
}

async function putDatabasesBack(
  target: Target,
  { of, endsSessions }: SettleTask,
  kept: readonly { readonly name: string; readonly keptAs: string }[],
): Promise<void> {
  const there = await namesOn(target);
  const isDone = kept.every(({ name, keptAs }) => !there.has(keptAs) && there.has(undoneName(name, of)));
  if (kept.length === 0 || isDone) return;
  for (const { name, keptAs } of kept) {
    if (!there.has(keptAs)) throw fail('transfer_kept_gone', { run: of, instance: target.instance, what: keptAs });
    if (!endsSessions) for (const one of [name, keptAs]) await refuseSessions(target, one);
  }
  const renames = kept.flatMap(({ name, keptAs }) => [
    ...(there.has(name) ? [{ from: name, to: undoneName(name, of) }] : []),
    { from: keptAs, to: name },
  ]);
  await renameDatabases(target, renames, endsSessions);
}
