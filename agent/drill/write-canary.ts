import type { InstanceAccess } from '#core/agent/order.ts';
import type { CanaryOfResource, CanaryWritten } from '#core/drill/canary.ts';
import {
  canaryInsertSql,
  canaryIsOursSql,
  canaryRowSql,
  canarySetup,
  canaryTrimSql,
  countSecondsOfBackup,
  staticUncounted,
} from '#core/drill/canary.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import type { Warning } from '#core/run/progress.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { TableCount } from './count-static.ts';
import { countTables } from './count-static.ts';

/** Whom a canary is written for. */
export interface CanaryWatch {
  /** Ends it: the sessions are closed. */
  readonly signal?: AbortSignal;
  /** Hears what the canary lacks. */
  readonly warn?: (warning: Warning) => void;
}

/**
 * Writes the canary of a log backup: a row of its own with the row counts of the tables that are marked static
 * (design §7 "Drill"). The log that it makes lies before the switch of the backup, so a drill that replays the backup must find it.
 * A repeated attempt finds its row. A table that cannot be counted, or not within `countSecondsOfBackup`, is a warning. Throws
 * `canary_foreign`, the reason of the signal, and what the session throws, e.g. `privilege_missing`.
 */
export async function writeCanary(
  instance: InstanceAccess,
  canary: CanaryOfResource,
  runId: RunId,
  { signal, warn }: CanaryWatch = {},
): Promise<CanaryWritten> {
  const { database } = canary;
  const counts = await countsOf(instance, canary, signal);
  for (const one of counts)
    if ('error' in one) warn?.({ code: staticUncounted, detail: `${one.error.message} (${one.error.code})` });
  return within(instance, { database, signal }, async (session) => {
    await insertCanary(session, { database, counts }, runId);
    await session.query(canaryTrimSql);
    await session.query('commit');
    const row = await session.queryOne(canaryRowSql, [runId]);
    const lsn = textOf(await session.queryOne('select pg_current_wal_insert_lsn()::text as lsn'), 'lsn');
    return { seq: Number(textOf(row, 'seq')), at: textOf(row, 'at'), database, lsn };
  });
}

interface Place {
  readonly database: string;
  readonly signal?: AbortSignal | undefined;
}

/** With a session that ends with the signal. */
async function within<T>(
  instance: InstanceAccess,
  { database, signal }: Place,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(instance, database);
  const leave = (): void => void session.close();
  signal?.addEventListener('abort', leave);
  try {
    signal?.throwIfAborted();
    return await use(session);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
    await session.close();
  }
}

/** By a session of its own: one that took too long is closed, and the row is written all the same. */
async function countsOf(
  instance: InstanceAccess,
  { database, staticTables }: CanaryOfResource,
  signal: AbortSignal | undefined,
): Promise<readonly TableCount[]> {
  if (staticTables.length === 0) return [];
  const limits = { signal, seconds: countSecondsOfBackup };
  return within(instance, { database, signal }, (session) => countTables(session, staticTables, limits));
}

/** In a transaction that is left open. */
async function insertCanary(
  session: Session,
  { database, counts }: { readonly database: string; readonly counts: readonly TableCount[] },
  runId: string,
): Promise<void> {
  await session.query("set lock_timeout = '5s'");
  await session.query("set statement_timeout = '10s'");
  await session.query("set synchronous_commit = 'local'");
  // A database whose owner lets sessions only read is not written into for a canary; a restore of it has to write.
  await session.query('reset default_transaction_read_only');
  await session.query('begin isolation level repeatable read');
  for (const statement of canarySetup) await session.query(statement);
  if ((await session.query(canaryIsOursSql)).length === 0) throw fail('canary_foreign', { database });
  const kept = counts.map((one) => [one.table, 'rows' in one ? String(one.rows) : null] as const);
  await session.query(canaryInsertSql, [runId, JSON.stringify(Object.fromEntries(kept))]);
}

/**
 * Writes a canary as a log backup would and rolls it back, so that whoever enables one hears at once what stands against it.
 * Throws `canary_unwritable`, `canary_foreign`, `static_table_not_plain`, `static_table_slow`, `privilege_missing`, and what opening a
 * session throws.
 */
export async function tryCanary(instance: InstanceAccess, canary: CanaryOfResource): Promise<void> {
  const { database } = canary;
  try {
    const counts = await countsOf(instance, canary, undefined);
    for (const one of counts) if ('error' in one) throw one.error;
    await within(instance, { database }, async (session) => {
      await insertCanary(session, { database, counts }, 'trial');
      await session.query('rollback');
    });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'query_failed') throw error;
    const { reason = '' } = error.params;
    throw fail('canary_unwritable', { database, reason }, error);
  }
}
