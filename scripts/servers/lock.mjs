import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 200;
const waitLimitMs = 20 * 60_000;

/** @param {number} pid */
const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/**
 * True when the folder was made by us.
 * @param {string} path
 */
const tryLock = async (path) => {
  try {
    await mkdir(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(path, 'pid'), String(process.pid));
  return true;
};

/**
 * Moves a lock aside whose owner is dead. Renaming first makes two finders safe: only one succeeds.
 * @param {string} path
 */
const breakIfDead = async (path) => {
  const text = await readFile(join(path, 'pid'), 'utf8').catch(() => '');
  // Why: an empty lock is one that is being made right now; it is only judged once it names its owner.
  if (text === '' || isAlive(Number(text))) return;
  const aside = `${path}.dead-${String(process.pid)}-${String(Date.now())}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
};

/**
 * Runs `work` while this process alone holds `path`. Locks of dead processes are broken.
 * @template T
 * @param {string} path folder that exists while the lock is held
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const withLock = async (path, work) => {
  await mkdir(dirname(path), { recursive: true });
  const deadline = Date.now() + waitLimitMs;
  while (!(await tryLock(path))) {
    if (Date.now() > deadline) {
      throw new Error(`${path} is held by another process for 20 minutes. Remove it when that process is gone.`);
    }
    await breakIfDead(path);
    await pause(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
};
