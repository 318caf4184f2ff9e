import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitFor } from '../supervisor/wait.ts';

/** A process, with its working directory and its command line. */
interface Seen {
  readonly pid: number;
  readonly words: string;
}

const look = (pid: number): Seen | undefined => {
  try {
    const words = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .replaceAll('\0', ' ')
      .trim();
    return { pid, words: `${readlinkSync(`/proc/${String(pid)}/cwd`)}: ${words}` };
  } catch {
    // Why: it has ended between the listing and our look.
    return undefined;
  }
};

const endWithinMs = 10_000;

const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Why: it ended between our look and our signal, which is what was wanted.
    }
  }
};

/** Ends what works in a folder when all parts have been stopped: servers of copies, by fast shutdown first. */
export async function endAllIn(folder: string): Promise<void> {
  const inside = (): readonly number[] =>
    allProcesses()
      .filter(({ pid, words }) => words.startsWith(`${folder}/`) && pid !== process.pid)
      .map(({ pid }) => pid);
  signal(inside(), 'SIGINT');
  if (!(await waitFor(() => inside().length === 0, endWithinMs))) signal(inside(), 'SIGKILL');
}

export const allProcesses = (): readonly Seen[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => look(Number(name)) ?? []);
