import type { InstanceAccess } from '#core/agent/order.ts';
import type { CanaryOfResource, CanaryWritten } from '#core/drill/canary.ts';
import {
  canaryInsertSql,
  canaryIsOursSql,
  canaryRowSql,
  canarySetup,
  canaryTrimSql,
  countSql,
} from '#core/drill/canary.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';

/**
 * Writes the canary of a log backup: one transaction with a row of its own and the row counts of the tables that are marked static
 * (design §7 "Drill"). The log that it makes lies before the switch of the backup, so a drill that replays the backup must find it.
 * A repeated attempt finds its row. Throws `canary_foreign`, and what the session throws, e.g. `privilege_missing`.
 */
export async function writeCanary(
  instance: InstanceAccess,
  { database, staticTables }: CanaryOfResource,
  runId: RunId,
): Promise<CanaryWritten> {
  const session = await openSession(instance, database);
  try {
    await insertCanary(session, { database, staticTables }, runId);
    await session.query(canaryTrimSql);
    await session.query('commit');
    const row = await session.queryOne(canaryRowSql, [runId]);
    const lsn = textOf(await session.queryOne('select pg_current_wal_insert_lsn()::text as lsn'), 'lsn');
    return { seq: Number(textOf(row, 'seq')), at: textOf(row, 'at'), database, lsn };
  } finally {
    await session.close();
  }
}

/** In a transaction that is left open. */
async function insertCanary(
  session: Session,
  { database, staticTables }: CanaryOfResource,
  runId: string,
): Promise<void> {
  await session.query("set lock_timeout = '5s'");
  await session.query("set synchronous_commit = 'local'");
  await session.query('begin isolation level repeatable read');
  for (const statement of canarySetup) await session.query(statement);
  if ((await session.query(canaryIsOursSql)).length === 0) throw fail('canary_foreign', { database });
  const counts: Record<string, string> = {};
  for (const table of staticTables) counts[table] = textOf(await session.queryOne(countSql(table)), 'n');
  await session.query(canaryInsertSql, [runId, JSON.stringify(counts)]);
}

/**
 * Writes a canary as a log backup would and rolls it back, so that whoever enables one hears at once what stands against it.
 * Throws `canary_unwritable`, `canary_foreign`, `privilege_missing`, and what opening a session throws.
 */
export async function tryCanary(instance: InstanceAccess, canary: CanaryOfResource): Promise<void> {
  const session = await openSession(instance, canary.database);
  try {
    await insertCanary(session, canary, 'trial');
    await session.query('rollback');
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'query_failed') throw error;
    const { reason = '' } = error.params;
    throw fail('canary_unwritable', { database: canary.database, reason }, error);
  } finally {
    await session.close();
  }
}
