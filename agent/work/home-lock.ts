import { readFileSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { isMissing } from './whole-file.ts';

/** The one agent of a home directory: two would fail each other's steps at every start. */
export interface HomeLock {
  release(): Promise<void>;
}

/**
 * Takes `<home>/agent.pid`. A file left by a process that is gone (its pid with another start time counts as gone) is
 * taken over. Throws `agent_already_running`.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const path = join(home, 'agent.pid');
  const mine = `${String(process.pid)} ${startOf(process.pid) ?? ''}`;
  for (;;) {
    if (await written(path, mine)) return { release: () => rm(path, { force: true }) };
    const [pid = '', start = ''] = (await readOrNothing(path)).split(' ');
    if (start !== '' && startOf(Number(pid)) === start) throw fail('agent_already_running', { home, pid });
    await rm(path, { force: true });
  }
}

/** True when the file was not there before. */
async function written(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(content);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** Start time of a live process in clock ticks since boot (proc(5), field 22 of stat); tells a reused pid apart. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    // No such process.
    return undefined;
  }
}
