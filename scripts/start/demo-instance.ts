import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { serverIn, stopCopy } from '../demo/stop-copy.ts';
import { providePostgres } from '../servers/postgres.mjs';
import { runPostgresProgram } from '../supervisor/postgres-instance.ts';

const major = 18;
const dataOf = (home: string): string => join(home, 'instance', 'data');

const demandInstance = (home: string): string => {
  const directory = dataOf(home);
  if (existsSync(directory)) return directory;
  throw fail('value_malformed', { text: home, what: 'HOLDFAST_HOME', expected: 'the folder that `npm start` printed' });
};

/** Fast shutdown of whatever server runs in the demo instance: the one of `npm start`, or one that a restore opened. */
export const closeInstance = (home: string): Promise<void> => stopCopy(dataOf(home));

/** Closes it for a person and says what became of it. Throws `value_malformed` when there is none. */
export async function closeForUser(home: string): Promise<string> {
  const directory = demandInstance(home);
  if (serverIn(directory) === undefined) return 'The demo instance was closed already.';
  await stopCopy(directory);
  return 'The demo instance is closed. Open it again with: npm start -- --demo-instance open';
}

/**
 * Opens it for a person, as the same account, with the configuration that it has, and says what became of it; `npm start`
 * closes it when it ends. One that is open stays as it is: a restore in place opens what it restored. Throws
 * `value_malformed` when there is none, `tool_failed`.
 */
export async function openForUser(home: string): Promise<string> {
  const directory = demandInstance(home);
  if (serverIn(directory) !== undefined)
    return 'The demo instance is open already; a restore in place opens it when it is done.';
  // Why another log: that of `npm start` may belong to root.
  const log = join(home, 'instance', 'opened.log');
  const programs = await providePostgres(major);
  await runPostgresProgram(join(programs, 'pg_ctl'), ['start', '--pgdata', directory, '--wait', '--log', log]);
  return 'The demo instance is open.';
}
