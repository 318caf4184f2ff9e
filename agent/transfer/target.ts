import { setTimeout as pause } from 'node:timers/promises';
import type { InstanceAccess } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { literal, quoted } from '#core/transfer/names.ts';
import { instanceName } from '#agent/database/session.ts';
import { flagOf, openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** A live instance into which something is put, with a session of a database that stays as it is. */
export interface Target {
  readonly access: InstanceAccess;
  readonly session: Session;
  readonly instance: string;
  open(database: string): Promise<Session>;
  close(): Promise<void>;
}

/**
 * Opens the target by a database that is not among `touched`: one that is renamed must not have our own session. What attempts of this
 * run left there is over when it settles. Throws `transfer_target_standby`, `transfer_needs_superuser`, `transfer_in_use`, what a login throws.
 */
export async function openTarget(
  access: InstanceAccess,
  { runId, touched }: { readonly runId: RunId; readonly touched: readonly string[] },
): Promise<Target> {
  const { defaults } = engineProfile(access.engine);
  const wanted = [access.login?.database ?? defaults.database, defaults.database, 'postgres', 'template1'];
  const session = await openSession(access, wanted.find((name) => !touched.includes(name)) ?? 'template1');
  const isOurs = `set application_name to ${literal(ownName(runId))}`;
  try {
    await refuseUnfit(session, access);
    await session.query(isOurs);
    await endLeftSessions(session, runId);
  } catch (error) {
    await session.close();
    throw error;
  }
  return {
    ...{ access, session, instance: instanceName(access) },
    open: async (database) => {
      const other = await openSession(access, database);
      await other.query(isOurs);
      return other;
    },
    close: () => session.close(),
  };
}

/** By which a server knows the sessions of a run. */
const ownName = (runId: RunId): string => `holdfast ${runId}`;

const endWithinMs = 30_000;
const endEveryMs = 100;

/**
 * Ends sessions of attempts of the run that died: a server that fills a view does not notice that nobody waits for it, and keeps what it has
 * locked. The fence of the agent lets one attempt at a time come here.
 */
async function endLeftSessions(session: Session, runId: RunId): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += endEveryMs) {
    const left = await session.query(
      `select datname::text as name, pg_terminate_backend(pid) from pg_stat_activity
        where application_name = $1 and pid <> pg_backend_pid()`,
      [ownName(runId)],
    );
    const [first] = left;
    if (first === undefined) return;
    if (waitedMs >= endWithinMs)
      throw fail('transfer_in_use', {
        database: textOf(first, 'name'),
        sessions: `${String(left.length)} of an earlier attempt of run ${runId} do not end`,
      });
    await pause(endEveryMs);
  }
}

async function refuseUnfit(session: Session, access: InstanceAccess): Promise<void> {
  const row = await session.queryOne(
    'select pg_is_in_recovery() as is_standby, (select rolsuper from pg_roles where rolname = current_user) as is_super',
  );
  if (flagOf(row, 'is_standby')) throw fail('transfer_target_standby', { instance: session.instance });
  if (!flagOf(row, 'is_super'))
    throw fail('transfer_needs_superuser', { instance: session.instance, user: access.login?.user ?? '' });
}

/** Names of databases on the target. */
export async function namesOn({ session }: Target): Promise<ReadonlySet<string>> {
  const rows = await session.query('select datname::text as name from pg_database');
  return new Set(rows.map((row) => textOf(row, 'name')));
}

/** Sessions of others in a database, `user application address`, our own left out. */
async function sessionsIn({ session }: Target, database: string): Promise<readonly string[]> {
  const rows = await session.query(
    `select concat_ws(' ', coalesce(usename::text, '?'), nullif(application_name, ''), coalesce(host(client_addr), 'local')) as name
       from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() and coalesce(usename::text, '') <> '' order by 1`,
    [database],
  );
  return rows.map((row) => textOf(row, 'name'));
}

/** Throws `transfer_in_use` naming the first of them. */
export async function refuseSessions(target: Target, database: string): Promise<void> {
  const sessions = await sessionsIn(target, database);
  if (sessions.length === 0) return;
  const named = sessions.slice(0, 5).join('; ');
  const more = sessions.length > 5 ? ` and ${String(sessions.length - 5)} more` : '';
  throw fail('transfer_in_use', { database, sessions: `${named}${more}` });
}

/** Ends the sessions in a database and drops it; a missing one is fine. */
export async function dropDatabase(target: Target, name: string): Promise<void> {
  if (!(await namesOn(target)).has(name)) return;
  await endSessions(target.session, name);
  await target.session.query(`drop database if exists ${quoted(name)}`);
}

/** Ends what is connected to a database, once. */
export async function endSessions(session: Session, database: string): Promise<void> {
  await session.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = ${literal(database)} and pid <> pg_backend_pid()`,
  );
}
