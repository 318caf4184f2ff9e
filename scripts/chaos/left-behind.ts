import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentOf } from '../supervisor/process-identity.ts';
import { waitFor } from '../supervisor/wait.ts';
import { shopDatabase, stockDatabase } from './frozen.ts';
import { allProcesses } from './processes.ts';
import { addressOf, connect, sessionName } from './session.ts';
import type { World } from './world.ts';

/** How long what ended may take to go. */
const patienceMs = 60_000;

const ancestorsOf = (pid: number): readonly number[] => {
  const parent = parentOf(pid);
  return parent === undefined || parent <= 1 ? [] : [parent, ...ancestorsOf(parent)];
};

/** Processes that work in our folder or name it, and are neither a part nor a child of one; of an agent, children too. */
function strangers({ stack, second, folder }: World): readonly string[] {
  const agents = [stack.childOf('agent').pid, second.agentPid()];
  return allProcesses()
    .filter(({ pid, words }) => {
      if (!words.includes(folder) || pid === process.pid) return false;
      const family = ancestorsOf(pid);
      return agents.some((agent) => agent !== undefined && family.includes(agent)) || !family.includes(process.pid);
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

const known: readonly string[] = ['postgres', shopDatabase, stockDatabase];

/** Databases that a run made and nobody asked for, and schemas of ours in the one that is replaced. */
async function names({ sql, source }: World): Promise<readonly string[]> {
  const databases = await sql.query<{ name: string }>(
    'select datname as name from pg_database where not datistemplate and datname <> all ($1)',
    [known],
  );
  const stock = await connect(addressOf(source), stockDatabase);
  try {
    const schemas = await stock.query<{ name: string }>(
      "select nspname as name from pg_namespace where nspname like 'holdfast%'",
    );
    return [
      ...databases.rows.map(({ name }) => `database ${name}`),
      ...schemas.rows.map(({ name }) => `schema ${name} in ${stockDatabase}`),
    ];
  } finally {
    await stock.end();
  }
}

const entriesOf = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];

/** Scratch of the agents, what lies in the place for copies, which whoever made it has removed, and what lies beside instances. */
const directories = ({ stack, second, copies, place, rehearsal }: World): readonly string[] =>
  [
    ...[stack.places.agentHome, second.home].flatMap((home) => entriesOf(join(home, 'scratch'))),
    ...[...entriesOf(copies), ...place.strays(), ...rehearsal.strays()],
  ].map((path) => `directory ${path}`);

/** What runs that are over left on the source and on the host; waits a little for the last of it to go. */
export async function leftBehind(world: World): Promise<readonly string[]> {
  let left: readonly string[] = [];
  await waitFor(async () => {
    left = [...(await sessions(world)), ...(await names(world)), ...strangers(world), ...directories(world)];
    return left.length === 0;
  }, patienceMs);
  return left;
}
