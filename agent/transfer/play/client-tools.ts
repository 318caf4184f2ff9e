import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { exec } from '#agent/exec.ts';

/** Programs of one installation, so that each understands what the other writes. */
export interface ClientTools {
  readonly dump: string;
  readonly restore: string;
  readonly major: number;
}

/**
 * The oldest client programs that are at least of a server major: older ones refuse the server, newer ones may say words
 * that an older target does not know. Throws `transfer_tools_missing`.
 */
export async function findClientTools(
  profile: EngineProfile,
  atLeast: number,
  preferred: readonly string[],
): Promise<ClientTools> {
  const { majors, tools } = profile;
  const usual = Array.from({ length: majors.to - majors.from + 1 }, (_, i) => majors.from + i).flatMap((major) =>
    tools.programDirectories(major),
  );
  const looked = [...new Set([...preferred, ...usual])];
  const found: ClientTools[] = [];
  for (const directory of looked) {
    const [dump, restore] = [join(directory, tools.dump), join(directory, tools.restore)];
    if (!isProgram(dump) || !isProgram(restore)) continue;
    const major = profile.majorOfProgram(
      (await exec({ command: dump, args: ['--version'], timeoutMs: 10_000 })).stdout,
    );
    if (major !== undefined && major >= atLeast) found.push({ dump, restore, major });
  }
  const [best] = found.sort((a, b) => a.major - b.major);
  if (best !== undefined) return best;
  throw fail('transfer_tools_missing', {
    dump: tools.dump,
    restore: tools.restore,
    major: String(atLeast),
    looked: looked.join(', '),
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next directory decides, and the error at the end names all of them.
    return false;
  }
}

/** How a client program reaches a database. The password is in the environment of the child alone, never in its arguments. */
export function clientEnvironment(access: InstanceAccess, database: string): Readonly<Record<string, string>> {
  const values: Readonly<Record<string, string>> = {
    HOST: access.socket,
    PORT: String(access.port),
    USER: access.login?.user ?? '',
    DATABASE: database,
    APPNAME: 'holdfast',
    PASSFILE: '/dev/null',
    CONNECT_TIMEOUT: '15',
    ...(access.login === undefined || access.login.password === '' ? {} : { PASSWORD: access.login.password }),
  };
  const named = (prefix: string): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
  // KingbaseES names its variables by itself; a program reads its own and passes the others over.
  return { ...named('PG'), ...named('KINGBASE_') };
}
