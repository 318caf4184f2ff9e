import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { Warning } from '#core/run/progress.ts';
import { temporaryName, temporaryPrefix } from '#core/transfer/names.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import type { Placed, TransferTask } from '#core/transfer/task.ts';
import { databaseOfParts, placedText } from '#core/transfer/task.ts';
import { demandInPlace } from './demand-in-place.ts';
import { dropKept } from './drop-kept.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { putLaterKeysOn } from './later-keys.ts';
import { partitionsOnlyInOld, textOfLess, unloggedEmpty } from './less-than-old.ts';
import type { Built } from './planned-places.ts';
import { refuseReplicatedDatabase } from './replication.ts';
import { hasSwapped, keptPlaceOf, standingsOf } from './standing.ts';
import { renameDatabases } from './swap-database.ts';
import type { Filling } from './swap-schemas.ts';
import { swapSchemas } from './swap-schemas.ts';
import { swapTables } from './swap-tables.ts';
import type { Target } from '#agent/transfer/target.ts';
import { namesOn, refuseSessions } from '#agent/transfer/target.ts';

/** The part of an order that says what goes where. */
interface PlaceOrder {
  readonly runId: RunId;
  readonly task: TransferTask;
}

/**
 * Refused before anything is made: a new name that is taken, a database in use whose sessions may not be ended, one that takes part in
 * replication, a database that shall get tables and is not there. Throws `transfer_name_taken`, `transfer_in_use`, `transfer_replicated`,
 * `transfer_target_missing`.
 */
export async function refuseTaken(target: Target, { task }: PlaceOrder): Promise<void> {
  const there = await namesOn(target);
  const { instance } = target;
  for (const { database, as } of task.databases) {
    if (as !== database && there.has(as)) throw fail('transfer_name_taken', { name: as, instance });
    if (as !== database || !there.has(as)) continue;
    await refuseReplicatedDatabase(target.session, as);
    if (!task.endsSessions) await refuseSessions(target, as);
  }
  const database = databaseOfParts(task);
  if (database === undefined || there.has(database)) return;
  const parts = [
    ...task.tables.map(({ schema, table }) => `${schema}.${table}`),
    ...(task.schemas ?? []).map((one) => one.schema),
  ];
  throw fail('transfer_target_missing', { table: parts.join(', '), database, instance });
}

/** What a swap needs: what was built, and where it goes. */
interface Swap {
  readonly built: Built;
  readonly placed: readonly Placed[];
  readonly filling: Filling;
}

/** The swap: all databases in one transaction, or all parts of one database in one. What is not as it was planned undoes it whole. */
export async function putIntoPlace(
  target: Target,
  { runId, task }: PlaceOrder,
  { built, placed, filling }: Swap,
): Promise<void> {
  const { schemas, tables } = built;
  const parts = schemas ?? tables;
  if (parts !== undefined)
    await inDatabase(target, parts.database, async (live) => {
      await putLaterKeysOn(live, parts.laterKeys);
      if (schemas !== undefined) await swapSchemas(live, schemas, placed, filling);
      if (tables !== undefined) await swapTables(live, tables, placed);
    });
  if (built.databases.length === 0) return;
  const renames = placed.flatMap((one, index) => {
    if (one.kind !== 'database') return [];
    const aside = one.keptAs === undefined ? [] : [{ from: one.name, to: one.keptAs }];
    return [...aside, { from: temporaryName(runId, index), to: one.name }];
  });
  await renameDatabases(target, renames, {
    endsSessions: task.endsSessions,
    before: async (session) => {
      for (const one of placed)
        if (one.kind === 'database' && one.keptAs !== undefined) await refuseReplicatedDatabase(session, one.name);
    },
    proof: (session) => demandInPlace(session, placed),
  });
}

/** True when the swap of an earlier attempt happened: what was planned is known by its oids, whatever has its names now. */
export const isPlaced = async (target: Target, { placed }: Pick<TransferReport, 'placed'>): Promise<boolean> =>
  hasSwapped(await standingsOf(target, placed));

/** Databases that look like unfinished work, and that no run of this host made: they are told of and left alone. */
export const strangersOn = async (target: Target): Promise<readonly string[]> =>
  [...(await namesOn(target))].filter((name) => name.startsWith(temporaryPrefix));

/**
 * After the swap: what was replaced goes when it is not to be kept; when it cannot go, or it may hold what was not restored, it is kept and
 * that is said.
 */
export async function finishPlaced(
  target: Target,
  { task }: Pick<PlaceOrder, 'task'>,
  { placed, failures, warnings }: Pick<TransferReport, 'placed' | 'failures' | 'warnings'>,
): Promise<{ readonly placed: readonly Placed[]; readonly warnings: readonly Warning[] }> {
  const keeps = (why: string): readonly Warning[] =>
    placed
      .filter((one) => keptPlaceOf(one) !== undefined)
      .map((one) => ({ code: 'old_not_dropped', detail: `what ${placedText(one)} replaced is kept: ${why}` }));
  const less = (await partitionsOnlyInOld(target, placed)).map(textOfLess);
  if (!task.dropsOld) return { placed, warnings: less.map((detail) => ({ code: 'partition_not_restored', detail })) };
  if (less.length > 0) return { placed, warnings: keeps(less.join('; ')) };
  if (failures.length > 0) return { placed, warnings: keeps('statements failed') };
  if (warnings.some(({ code }) => code === unloggedEmpty))
    return { placed, warnings: keeps('it may have rows in unlogged tables') };
  try {
    await dropKept(target, placed);
    return { placed: placed.map(withoutKept), warnings: [] };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.isRetryable) throw error;
    return { placed, warnings: keeps(error.message) };
  }
}

function withoutKept(one: Placed): Placed {
  const { oid } = one;
  if (one.kind === 'database') return { kind: 'database', name: one.name, oid };
  const { database } = one;
  return one.kind === 'schema'
    ? { kind: 'schema', database, name: one.name, oid }
    : { kind: 'table', database, schema: one.schema, table: one.table, oid };
}
