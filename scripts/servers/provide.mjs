import { existsSync } from 'node:fs';
import { isOffline } from './fetch.mjs';
import { say } from './tool.mjs';

/**
 * @typedef {{ readonly from: string, readonly get: () => Promise<void> }} Source
 */

/** A program named by the environment must exist: a wrong name is an error, not a reason to look elsewhere. @param {string} variable */
export const namedByEnvironment = (variable) => {
  const path = process.env[variable];
  if (path === undefined || path === '') return undefined;
  if (!existsSync(path)) throw new Error(`${variable} names ${path}, which does not exist.`);
  return path;
};

/**
 * Tries the sources in order, one line per attempt; when none delivers, says what to install.
 * @param {string} what
 * @param {readonly Source[]} sources
 * @param {string} remedy
 */
export const fromFirst = async (what, sources, remedy) => {
  if (isOffline())
    throw new Error(`${what} is not on this machine and HOLDFAST_OFFLINE=1 forbids the network. ${remedy}`);
  const failures = [];
  for (const source of sources) {
    try {
      await source.get();
      say(`${what}: fetched from ${source.from}`);
      return;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`${source.from}: ${reason}`);
      say(`${what}: not from ${source.from} (${reason.split('\n')[0] ?? ''})`);
    }
  }
  throw new Error(`${what} could not be fetched. ${remedy}\n  ${failures.join('\n  ')}`);
};
