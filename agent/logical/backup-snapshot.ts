import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { Instant } from '#core/instant.ts';
import { tableText } from '#core/logical/selection.ts';
import { literal, quotedTable } from '#core/transfer/names.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import { momentOf, momentSql } from './backup-facts.ts';
import type { FoundRelation } from './backup-relations.ts';

/** A session that holds a snapshot which others read by. */
export interface Snapshot {
  readonly session: Session;
  /** What the server calls it. */
  readonly name: string;
  readonly takenAt: Instant;
}

export interface SnapshotRequest {
  readonly instance: InstanceAccess;
  readonly database: string;
  readonly lockWaitSeconds: number;
}

/** What makes rows look the same whoever reads them; time limits of the role do not count for a backup. */
async function settle(session: Session, lockWaitSeconds: number): Promise<void> {
  const settings = [
    ...(session.serverMajor >= 17 ? ['set transaction_timeout = 0'] : []),
    `set lock_timeout = ${literal(`${String(lockWaitSeconds)}s`)}`,
    'set row_security = off',
    'set datestyle = iso',
    'set intervalstyle = postgres',
    'set extra_float_digits = 3',
    'set bytea_output = hex',
    'set synchronize_seqscans = off',
  ];
  for (const setting of settings) await session.query(setting);
}

/**
 * Takes and exports a snapshot of a database. It lasts as long as the session: the caller closes it. Throws what `openSession`
 * throws.
 */
export async function takeSnapshot({ instance, database, lockWaitSeconds }: SnapshotRequest): Promise<Snapshot> {
  const session = await openSession(instance, database);
  try {
    await settle(session, lockWaitSeconds);
    await session.query('begin isolation level repeatable read read only');
    const row = await session.queryOne(`select pg_export_snapshot()::text as name, ${momentSql} as moment`);
    return { session, name: textOf(row, 'name'), takenAt: momentOf(textOf(row, 'moment')) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** A session that sees exactly what the snapshot sees. The caller closes it. */
export async function readBySnapshot(request: SnapshotRequest, name: string): Promise<Session> {
  const session = await openSession(request.instance, request.database);
  try {
    await settle(session, request.lockWaitSeconds);
    await session.query('begin isolation level repeatable read read only');
    await session.query(`set transaction snapshot ${literal(name)}`);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * Locks the tables against changes of their definition until the session ends; reading and writing go on beside it. A table
 * that went between snapshot and lock is named. Throws `logical_table_gone`, `logical_lock_waited`.
 */
export async function lockTables(
  session: Session,
  tables: readonly FoundRelation[],
  lockWaitSeconds: number,
): Promise<void> {
  for (const table of tables) {
    try {
      await session.query(`lock table only ${quotedTable(table)} in access share mode`);
    } catch (error) {
      throw lockError(error, tableText(table), lockWaitSeconds);
    }
  }
}

/**
 * A table whose rows the snapshot may not see: its file is another one than the snapshot says, because it was rewritten or
 * truncated between snapshot and lock. The catalogs are read by the snapshot, `pg_relation_filenode` tells of now.
 */
export async function rewrittenTable(
  session: Session,
  tables: readonly FoundRelation[],
): Promise<FoundRelation | undefined> {
  const oids = tables.map(({ oid }) => oid);
  const moved = await session.query(
    'select c.oid::text as oid from pg_class c where c.oid = any($1::oid[]) and c.relfilenode <> pg_relation_filenode(c.oid)',
    [oids],
  );
  const found = new Set(moved.map((row) => textOf(row, 'oid')));
  return tables.find(({ oid }) => found.has(oid));
}

/** What a server says of a table that is gone or locked, in our words; other errors stay what they are. */
export function lockError(error: unknown, table: string, lockWaitSeconds: number): unknown {
  const code = error instanceof HoldfastError ? codeOf(error.cause) : codeOf(error);
  if (code === '42P01' || code === '3F000') return fail('logical_table_gone', { table }, error);
  if (code === '55P03') return fail('logical_lock_waited', { table, seconds: String(lockWaitSeconds) }, error);
  return error;
}
