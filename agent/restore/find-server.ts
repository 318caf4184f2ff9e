import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { exec } from '#agent/exec.ts';

/** Where server programs of a major may lie, beside what the settings name: packages of Debian, Red Hat and the source build. */
const wellKnown = (major: number): readonly string[] => [
  `/usr/lib/postgresql/${String(major)}/bin`,
  `/usr/pgsql-${String(major)}/bin`,
  `/opt/postgresql/${String(major)}/bin`,
  '/usr/local/pgsql/bin',
  '/usr/local/bin',
  '/usr/bin',
];

/**
 * Directory with the server programs of a major version. `preferred` come first (settings, a running instance of that
 * major). Each candidate is asked for its version. Throws `server_missing`.
 */
export async function findServer(major: number, preferred: readonly string[], program = 'postgres'): Promise<string> {
  const looked = [...preferred, ...wellKnown(major)];
  for (const directory of looked) {
    const path = join(directory, program);
    if (isProgram(path) && (await majorOf(path)) === major) return directory;
  }
  throw fail('server_missing', { major: String(major), looked: looked.join(', ') });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next candidate decides, and the error at the end names all of them.
    return false;
  }
}

async function majorOf(path: string): Promise<number> {
  const { stdout } = await exec({ command: path, args: ['--version'], timeoutMs: 10_000 });
  return Number(/(\d+)(?:\.\d+|beta|rc|devel)/.exec(stdout)?.[1] ?? 0);
}
