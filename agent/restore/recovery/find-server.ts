import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { exec } from '#agent/exec.ts';

/**
 * Directory with the server programs of a major version. `preferred` come first (settings, a running instance of that
 * major). Each candidate is asked for its version. Throws `server_missing`.
 */
export async function findServer(profile: EngineProfile, major: number, preferred: readonly string[]): Promise<string> {
  const looked = [...preferred, ...profile.tools.programDirectories(major)];
  for (const directory of looked) {
    const path = join(directory, profile.tools.server);
    if (isProgram(path) && profile.majorOfProgram(await wordsOf(path)) === major) return directory;
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

async function wordsOf(path: string): Promise<string> {
  return (await exec({ command: path, args: ['--version'], timeoutMs: 10_000 })).stdout;
}
