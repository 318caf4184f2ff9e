import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../supervisor/wait.ts';

const fastShutdownMs = 10_000;

const pidOf = (directory: string): number | undefined => {
  const file = join(directory, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
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

/** Stops the restored copy, which lives on after its run as a user wants it to: fast shutdown, then SIGKILL. */
export async function stopCopy(directory: string): Promise<void> {
  const pid = pidOf(directory);
  if (pid === undefined || !isAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  if (!(await waitFor(() => !isAlive(pid), fastShutdownMs))) process.kill(pid, 'SIGKILL');
}
