import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.mjs';

/** True when servers are started as another user than this process. */
export const isRoot = process.getuid?.() === 0;

/** Where fetched servers live, shared by all clones of one user (root: readable by all, since servers drop to another user). */
export const cacheRoot = () => {
  const named = process.env['HOLDFAST_CACHE'];
  if (named !== undefined && named !== '') return named;
  if (isRoot) return '/var/cache/holdfast';
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'holdfast');
};

/**
 * Everybody may read and enter; what the owner may execute, all may.
 * @param {string} path
 */
const openToAll = async (path) => {
  const info = await lstat(path);
  if (info.isSymbolicLink()) return;
  if (!info.isDirectory()) return chmod(path, (info.mode & 0o100) === 0 ? 0o644 : 0o755);
  await chmod(path, 0o755);
  for (const entry of await readdir(path)) await openToAll(join(path, entry));
};

/**
 * Folder `<cache>/<name>/<version>-<platform>`, filled once by `fill` (under a lock, in a temporary folder, then renamed:
 * a half-fetched server is never seen).
 * @param {string} name
 * @param {string} version
 * @param {(folder: string) => Promise<void>} fill
 * @returns {Promise<string>}
 */
export const provideInCache = async (name, version, fill) => {
  const parent = join(cacheRoot(), name);
  const folder = join(parent, `${version}-${process.platform}-${process.arch}`);
  if (existsSync(folder)) return folder;
  await mkdir(parent, { recursive: true, mode: 0o755 });
  return withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return folder;
    const temporary = `${folder}.tmp-${String(process.pid)}`;
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    try {
      await fill(temporary);
      await openToAll(temporary);
      await rename(temporary, folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return folder;
  });
};
