import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentOf } from '../supervisor/process-identity.ts';
import { waitFor } from '../supervisor/wait.ts';
import { allProcesses } from './processes.ts';
import { sessionName } from './session.ts';
import type { World } from './world.ts';

/** How long what ended may take to go. */
const patienceMs = 60_000;

const ancestorsOf = (pid: number): readonly number[] => {
  const parent = parentOf(pid);
  return parent === undefined || parent <= 1 ? [] : [parent, ...ancestorsOf(parent)];
};

/** Processes that work in our folder or name it, and are neither a part nor a child of one; of the agent, children too. */
function strangers({ stack, folder }: World): readonly string[] {
  const agent = stack.childOf('agent').pid;
  return allProcesses()
    .filter(({ pid, words }) => {
      if (!words.includes(folder) || pid === process.pid) return false;
      const family = ancestorsOf(pid);
      return family.includes(agent) || !family.includes(process.pid);
    })
    .map(({ pid, words }) => `process ${String(pid)} in ${words}`);
}

async function sessions({ sql }: World): Promise<readonly string[]> {
  const { rows } = await sql.query<{ what: string }>(
    `select application_name || ': ' || coalesce(state, '') || ' ' || left(query, 80) as what from pg_stat_activity
      where backend_type in ('client backend', 'walsender') and application_name <> $1`,
    [sessionName],
  );
  const slots = await sql.query<{ what: string }>('select slot_name as what from pg_replication_slots');
  return [...rows.map(({ what }) => `session ${what}`), ...slots.rows.map(({ what }) => `slot ${what}`)];
}

const entriesOf = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];

/** Scratch of the agent and what lies in the place for copies, which whoever made it has removed. */
const directories = ({ stack, copies }: World): readonly string[] =>
  [...entriesOf(join(stack.places.agentHome, 'scratch')), ...entriesOf(copies)].map((path) => `directory ${path}`);

/** What runs that are over left on the source and on the host; waits a little for the last of it to go. */
export async function leftBehind(world: World): Promise<readonly string[]> {
  let left: readonly string[] = [];
  await waitFor(async () => {
    left = [...(await sessions(world)), ...strangers(world), ...directories(world)];
    return left.length === 0;
  }, patienceMs);
  return left;
}
