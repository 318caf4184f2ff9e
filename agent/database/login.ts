import type { InstanceAccess } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { flagOf, openSession } from './session.ts';
import type { Session } from './session.ts';

export interface LoginCheck {
  readonly user: string;
  readonly isSuperuser: boolean;
}

/**
 * Checks user, password and rights: a superuser, or a role that may call the backup functions and read every setting
 * and file position a backup asks for. Throws `login_refused`, `privilege_missing`, `instance_unreachable`.
 */
export async function checkLogin(access: InstanceAccess): Promise<LoginCheck> {
  const session = await openSession(access);
  try {
    return await checkRights(session, access);
  } finally {
    await session.close();
  }
}

/** The rights of the session's own user. Throws `privilege_missing` with the statement that gives the right. */
export async function checkRights(session: Session, access: InstanceAccess): Promise<LoginCheck> {
  const user = access.login?.user ?? '';
  const isSuperuser = flagOf(
    await session.queryOne('select rolsuper from pg_roles where rolname = current_user'),
    'rolsuper',
  );
  if (isSuperuser) return { user, isSuperuser };
  const missing = (privilege: string, remedy: string): Error =>
    fail('privilege_missing', { instance: session.instance, user, privilege, remedy });
  const { backupFunctions } = engineProfile(access.engine).sql(session.serverMajor);
  for (const signature of backupFunctions.map(session.spell)) {
    const row = await session.queryOne(`select has_function_privilege($1, 'execute') as granted`, [signature]);
    if (!flagOf(row, 'granted'))
      throw missing(`EXECUTE on ${signature}`, `grant execute on function ${signature} to "${user}"`);
  }
  const monitor = await session.queryOne(`select pg_has_role('pg_read_all_settings', 'usage') as granted`);
  if (!flagOf(monitor, 'granted'))
    throw missing('membership of pg_read_all_settings', `grant pg_read_all_settings to "${user}"`);
  return { user, isSuperuser };
}
