import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { Child } from './child.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { identityOf, isSameProcess } from './process-identity.ts';
import { waitFor } from './wait.ts';

const identity = z.object({ pid: z.number().int().positive(), startTime: z.string() });
const state = z.object({ supervisor: identity, children: z.array(identity.extend({ name: z.string() })) });
type State = z.output<typeof state>;

export interface StateFile {
  /** Notes a started child, before anything else is done with it. */
  add(child: Child): void;
  /** Everything ended: the next start has nothing to reap. */
  remove(): void;
}

const patienceMs = 5000;

const read = (path: string): State | undefined => {
  if (!existsSync(path)) return undefined;
  const parsed = state.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  return parsed.success ? parsed.data : undefined;
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // Why: it ended between our look and our signal, which is what was wanted.
  }
};

/** Ends exactly one process of an earlier start: asks first, then kills its group. */
const reap = async (left: ProcessIdentity): Promise<void> => {
  if (!isSameProcess(left)) return;
  signal(left.pid, 'SIGINT');
  if (await waitFor(() => !isSameProcess(left), patienceMs)) return;
  signal(-left.pid, 'SIGKILL');
  await waitFor(() => !isSameProcess(left), patienceMs);
};

/**
 * Takes the folder for this process: fails with `stack_running` while another one uses it, ends exactly what a dead one
 * left behind (pid and start time must both match), and keeps the list of our own children.
 */
export const takeStateFile = async (home: string): Promise<StateFile> => {
  mkdirSync(home, { recursive: true });
  const path = join(home, 'supervisor.json');
  const earlier = read(path);
  if (earlier !== undefined && isSameProcess(earlier.supervisor)) {
    throw fail('stack_running', { pid: String(earlier.supervisor.pid), home });
  }
  for (const left of [...(earlier?.children ?? [])].reverse()) await reap(left);
  const supervisor = identityOf(process.pid) ?? { pid: process.pid, startTime: '' };
  let children: State['children'] = [];
  const write = (): void => {
    writeFileSync(`${path}.new`, JSON.stringify({ supervisor, children }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  write();
  return {
    add: (child) => {
      const found = identityOf(child.pid);
      if (found === undefined) return;
      children = [...children.filter(isSameProcess), { ...found, name: child.name }];
      write();
    },
    remove: () => {
      rmSync(path, { force: true });
    },
  };
};
