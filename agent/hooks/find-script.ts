import type { Stats } from 'node:fs';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { codeOf } from '#agent/file-system.ts';

/**
 * Path of a script of a job without links in it. The agent may be root, so a script is what root would run: it and every
 * directory from it up to the allowed one belong to root or the account of the agent and nobody else may write them.
 * Throws `scripts_not_allowed`, `script_missing`, `script_refused`.
 */
export function findScript(directory: string | undefined, script: string): string {
  if (directory === undefined) throw fail('scripts_not_allowed', { script });
  const root = realPath(directory, { script, directory });
  const path = realPath(resolve(directory, script), { script, directory });
  if (!path.startsWith(root === sep ? sep : `${root}${sep}`))
    throw refused(script, `it lies outside of ${directory}, where the agent allows scripts`);
  const found = statSync(path);
  if (!found.isFile()) throw refused(script, 'it is no file');
  demandTrusted(script, path, found);
  for (let above = dirname(path); above.length >= root.length; above = dirname(above)) {
    demandTrusted(script, above, statSync(above));
    if (above === root) break;
  }
  if (!isExecutable(path, found)) throw refused(script, 'it is not executable');
  return path;
}

function realPath(path: string, { script, directory }: { script: string; directory: string }): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw fail('script_missing', { script, directory }, cause);
    throw fail('script_refused', { script, reason: `its path cannot be read (${code})` }, cause);
  }
}

function demandTrusted(script: string, path: string, { mode, uid }: Stats): void {
  if ((mode & 0o022) !== 0) throw refused(script, `others than its owner may write ${path}`);
  const own = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== own)
    throw refused(
      script,
      `${path} belongs to neither root nor the account of the agent (its owner has the id ${String(uid)})`,
    );
}

/** Why the bits too: root may execute what has one of them, and asks nothing else. */
function isExecutable(path: string, { mode }: Stats): boolean {
  if ((mode & 0o111) === 0) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const refused = (script: string, reason: string) => fail('script_refused', { script, reason });
