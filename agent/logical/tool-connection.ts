import type { InstanceAccess } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { instanceName } from '#agent/database/session.ts';

/** How a client program reaches a database. */
export interface ToolConnection {
  readonly args: readonly string[];
  /** Holds the password: arguments are visible to every user of the host, the environment to the same user only. */
  readonly env: Readonly<Record<string, string>>;
}

/** Quotes a value of a libpq connection string (PG manual "Connection Strings"). */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** Names a database to a client program. A name that looks like a connection string is none. */
export const databaseArgument = (database: string): string => `--dbname=dbname=${quoted(database)}`;

/**
 * Arguments and environment for client programs of PostgreSQL and KingbaseES, whose programs read `KINGBASE_…` instead. Throws
 * `login_absent`.
 */
export function connectionOf(access: InstanceAccess, database: string): ToolConnection {
  const { socket, port, login } = access;
  if (login === undefined) throw fail('login_absent', { instance: instanceName(access) });
  const { user, password } = login;
  const place = ['--host', socket, '--port', String(port), '--username', user, '--no-password'];
  return {
    args: [...place, databaseArgument(database)],
    env: {
      ...{ PGPASSWORD: password, KINGBASE_PASSWORD: password, PGCONNECT_TIMEOUT: '15' },
      // Why: what a person set for himself must not change what a backup holds.
      ...{ PGOPTIONS: '', PGPASSFILE: '/dev/null', PGAPPNAME: 'holdfast' },
    },
  };
}
