import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { Warning } from '#core/run/progress.ts';
import { keptName, keptSchema, quoted, stagingSchema, temporaryName, temporaryPrefix } from '#core/transfer/names.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import type { Placed, TransferTask } from '#core/transfer/task.ts';
import { databaseOfParts, placedText } from '#core/transfer/task.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import type { BuiltDatabase } from './copy-database.ts';
import type { BuiltSchemas } from './copy-schemas.ts';
import { placesOfSchemas, swapSchemas } from './copy-schemas.ts';
import type { BuiltTables } from './copy-tables.ts';
import { dropKeptSchema } from './settle-schemas.ts';
import { dropKeptTables } from './settle-tables.ts';
import { renameDatabases } from './swap-database.ts';
import { swapTables } from './swap-tables.ts';
import type { Target } from './target.ts';
import { dropDatabase, dropUnfinished, namesOn, refuseSessions } from './target.ts';

/** What lies ready beside what is live. */
export interface Built {
  readonly databases: readonly BuiltDatabase[];
  readonly tables?: BuiltTables;
  readonly schemas?: BuiltSchemas;
}

/** The part of an order that says what goes where. */
interface PlaceOrder {
  readonly runId: RunId;
  readonly task: TransferTask;
}

/**
 * Refused before anything is made: a new name that is taken, a database in use whose sessions may not be ended, a database that
 * shall get tables and is not there. Throws `transfer_name_taken`, `transfer_in_use`, `transfer_target_missing`.
 */
export async function refuseTaken(target: Target, { task }: PlaceOrder): Promise<void> {
  const there = await namesOn(target);
  const { instance } = target;
  for (const { database, as } of task.databases) {
    if (as !== database && there.has(as)) throw fail('transfer_name_taken', { name: as, instance });
    if (as === database && there.has(as) && !task.endsSessions) await refuseSessions(target, as);
  }
  const database = databaseOfParts(task);
  if (database === undefined || there.has(database)) return;
  const parts = [
    ...task.tables.map(({ schema, table }) => `${schema}.${table}`),
    ...(task.schemas ?? []).map((one) => one.schema),
  ];
  throw fail('transfer_target_missing', { table: parts.join(', '), database, instance });
}

/** What will be in place when the swap has happened. */
export function plannedPlaces({ runId, task }: PlaceOrder, { databases, tables, schemas }: Built): readonly Placed[] {
  const ofDatabases = databases.map(({ wanted }): Placed => ({
    kind: 'database',
    name: wanted.as,
    keptAs: keptName(wanted.as, runId),
  }));
  const ofTables = (tables?.tables ?? []).map(({ wanted, replaced }): Placed => ({
    ...{ kind: 'table', database: wanted.database, schema: wanted.schema, table: wanted.as },
    ...(replaced === undefined ? {} : { keptIn: keptSchema(runId) }),
  }));
  if (schemas !== undefined) return placesOfSchemas(schemas, runId);
  return task.databases.length > 0 ? ofDatabases : ofTables;
}

/** The swap: all databases in one transaction, or all tables of one database in one. */
export async function putIntoPlace(target: Target, { runId, task }: PlaceOrder, built: Built): Promise<void> {
  if (built.schemas !== undefined) await swapSchemas(target, built.schemas, runId);
  if (built.tables !== undefined) await swapTables(target, built.tables, runId);
  if (built.databases.length === 0) return;
  const there = await namesOn(target);
  const renames = built.databases.flatMap(({ wanted: { as }, temporary }) => [
    ...(there.has(as) ? [{ from: as, to: keptName(as, runId) }] : []),
    { from: temporary, to: as },
  ]);
  await renameDatabases(target, renames, task.endsSessions);
}

/** True when the swap of an earlier attempt happened: nothing under a temporary name is left, and what was planned is there. */
export async function isPlaced(target: Target, { runId, task }: PlaceOrder, report: TransferReport): Promise<boolean> {
  const there = await namesOn(target);
  for (const [index, { as }] of task.databases.entries()) {
    if (there.has(temporaryName(runId, index)) || !there.has(as)) return false;
  }
  for (const one of report.placed)
    if (one.kind !== 'database') return (await stagingOf(target, one.database, runId)).length === 0;
  return true;
}

/**
 * Removes what lies under temporary names, of this run and of dead ones: the lane of the instance lets one transfer in at a
 * time.
 */
export async function dropBuilt(target: Target, { task }: Pick<PlaceOrder, 'task'>): Promise<void> {
  await dropUnfinished(target);
  const there = await namesOn(target);
  const database = databaseOfParts(task);
  if (database === undefined || !there.has(database)) return;
  await inDatabase(target, database, async (session) => {
    for (const schema of await stagingIn(session, temporaryPrefix))
      await session.query(`drop schema if exists ${quoted(schema)} cascade`);
  });
}

/**
 * After the swap: what was replaced goes when it is not to be kept; when it cannot go, or statements failed and something may be
 * missing, it is kept and that is said. What was planned to be kept but never was there is not told of.
 */
export async function finishPlaced(
  target: Target,
  { task }: Pick<PlaceOrder, 'task'>,
  { placed, failures }: Pick<TransferReport, 'placed' | 'failures'>,
): Promise<{ readonly placed: readonly Placed[]; readonly warnings: readonly Warning[] }> {
  const told: Placed[] = [];
  const warnings: Warning[] = [];
  for (const one of placed) {
    try {
      const done = await finishOne(target, { dropsOld: task.dropsOld && failures.length === 0 }, one);
      told.push(done);
      if (task.dropsOld && isKept(done))
        warnings.push({
          code: 'old_not_dropped',
          detail: `what ${placedText(one)} replaced is kept: statements failed`,
        });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.isRetryable) throw error;
      told.push(one);
      warnings.push({ code: 'old_not_dropped', detail: `what ${placedText(one)} replaced is kept: ${error.message}` });
    }
  }
  return { placed: told, warnings };
}

const isKept = (one: Placed): boolean => (one.kind === 'table' ? one.keptIn : one.keptAs) !== undefined;

async function finishOne(target: Target, { dropsOld }: Pick<TransferTask, 'dropsOld'>, one: Placed): Promise<Placed> {
  if (one.kind === 'table') {
    const { keptIn, ...rest } = one;
    if (!dropsOld || keptIn === undefined) return one;
    await inDatabase(target, one.database, (session) => dropKeptTables(session, keptIn));
    return rest;
  }
  if (one.kind === 'schema') {
    const { keptAs: kept, ...rest } = one;
    if (!dropsOld || kept === undefined) return one;
    await inDatabase(target, one.database, (session) => dropKeptSchema(session, kept));
    return rest;
  }
  const { name, keptAs } = one;
  const isThere = keptAs !== undefined && (await namesOn(target)).has(keptAs);
  if (isThere && dropsOld) await dropDatabase(target, keptAs);
  return isThere && !dropsOld ? one : { kind: 'database', name };
}

const stagingOf = (target: Target, database: string, runId: RunId): Promise<readonly string[]> =>
  inDatabase(target, database, (session) => stagingIn(session, stagingSchema(runId)));

async function stagingIn(session: Session, prefix: string): Promise<readonly string[]> {
  const rows = await session.query('select nspname::text as name from pg_namespace where left(nspname, $2) = $1', [
    prefix,
    prefix.length,
  ]);
  return rows.map((row) => textOf(row, 'name'));
}

/** A session of one database for a while. */
export async function inDatabase<T>(
  target: Target,
  database: string,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await target.open(database);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
