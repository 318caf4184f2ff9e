import type { OrderOf } from '#core/agent/order.ts';
import { quietSettings } from '#core/restore/recovery/recovery-settings.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import type { Row, Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { sharedWith } from './apart.ts';
import type { Finding } from './run-check.ts';
import { failed, passed } from './run-check.ts';

type DrillOrder = OrderOf<'drill'>;

export async function within<T>(
  scratch: Scratch,
  use: (session: Session) => Promise<T>,
  database?: string,
): Promise<T> {
  const session = await scratch.session(database);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Databases that can be logged in to. */
export const databasesOf = (scratch: Scratch): Promise<readonly string[]> =>
  within(scratch, async (session) =>
    (await session.query('select datname from pg_database where datallowconn order by oid')).map((row) =>
      textOf(row, 'datname'),
    ),
  );

/** Every database answers, and none of it is still in recovery. */
export async function checkOpens(scratch: Scratch, databases: readonly string[]): Promise<Finding> {
  for (const database of databases) {
    const text = await within(
      scratch,
      async (session) => textOf(await session.queryOne('select pg_is_in_recovery()::text as is_in'), 'is_in'),
      database,
    );
    if (text !== 'false') return failed(`${database} is still in recovery`);
  }
  return passed(`${String(databases.length)} databases answer`);
}

/** The instance is a child of the one that was backed up. */
export async function checkIdentity(scratch: Scratch, { plan }: DrillOrder): Promise<Finding> {
  return within(scratch, async (session) => {
    const row = await session.queryOne('select system_identifier::text as id from pg_control_system()');
    const found = textOf(row, 'id');
    if (found !== plan.systemId) return failed(`its system identifier is ${found}, expected ${plan.systemId}`);
    if (session.serverMajor !== plan.serverMajor)
      return failed(`its server is of version ${String(session.serverMajor)}, expected ${String(plan.serverMajor)}`);
    return passed(`system identifier ${found}, server version ${String(session.serverVersion)}`);
  });
}

/** Replay went to the end of the log that was planned. */
export function checkReached({ report }: Scratch, { plan }: DrillOrder): Promise<Finding> {
  const { reachedLsn, lastTransactionAt } = report;
  const isThere = reachedLsn !== undefined && compareLsn(reachedLsn, plan.mustReach) >= 0;
  const at = lastTransactionAt === undefined ? '' : `, last transaction ${lastTransactionAt}`;
  const detail = `LSN ${reachedLsn ?? 'unknown'} of ${plan.mustReach}, timeline ${String(report.timeline)}${at}`;
  return Promise.resolve(isThere ? passed(detail) : failed(detail));
}

/**
 * The instance is not its source and cannot touch it: another directory (by device and inode) and server process, no archiving, no
 * network, no upstream, no workers of subscriptions. Its files said so before it was started (agent/restore/recovery/require-apart.ts);
 * here its server does.
 */
export async function checkApart(scratch: Scratch, { sourceDirectory }: DrillOrder): Promise<Finding> {
  // On another host that path means something else, or nothing.
  const shared = sourceDirectory === undefined ? undefined : sharedWith(scratch.directory, sourceDirectory);
  if (shared !== undefined) return failed(shared);
  return within(scratch, async (session) => {
    const rows = await session.query('select name, setting from pg_settings where name = any ($1)', [
      Object.keys(quietSettings),
    ]);
    const loud = rows.filter((row) => settingIn(row) !== quietSettings[textOf(row, 'name')]);
    if (loud.length > 0) return failed(loud.map((row) => `${textOf(row, 'name')} is ${settingIn(row)}`).join(', '));
    const workers = await session.queryOne(
      "select count(*)::text as n from pg_stat_activity where backend_type like 'logical replication%' or backend_type = 'walreceiver'",
    );
    const count = textOf(workers, 'n');
    return count === '0' ? passed('nothing of it leads to its source') : failed(`${count} replication workers run`);
  });
}

const settingIn = (row: Row): string => (typeof row['setting'] === 'string' ? row['setting'] : '');
