import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../supervisor/wait.ts';

const fastShutdownMs = 10_000;

const pidFiles = ['postmaster.pid', 'kingbase.pid'];

const pidOf = (directory: string): number | undefined => {
  const file = pidFiles.map((name) => join(directory, name)).find((path) => existsSync(path));
  if (file === undefined) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A server works in its data directory; whoever else got the number that a crash left in the pid file does not. */
const isIn = (pid: number, directory: string): boolean => {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`) === realpathSync(directory);
  } catch {
    // A process of another account does not tell where it is.
    return isAlive(pid);
  }
};

/** The server that runs in a data directory, by its pid file; undefined when none does. */
export const serverIn = (directory: string): number | undefined => {
  const pid = pidOf(directory);
  return pid !== undefined && isAlive(pid) && isIn(pid, directory) ? pid : undefined;
};

/** Stops the restored copy, which lives on after its run as a user wants it to: fast shutdown, then SIGKILL. */
export async function stopCopy(directory: string): Promise<void> {
  const pid = serverIn(directory);
  if (pid === undefined) return;
  process.kill(pid, 'SIGINT');
  if (!(await waitFor(() => !isAlive(pid), fastShutdownMs))) process.kill(pid, 'SIGKILL');
}
