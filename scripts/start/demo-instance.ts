import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { stopCopy } from '../demo/stop-copy.ts';
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

/** Closes it for a person. Throws `value_malformed` when there is none. */
export const closeForUser = (home: string): Promise<void> => stopCopy(demandInstance(home));

/** Opens it again, as the same account, with the configuration that it has; `npm start` closes it when it ends. */
export async function openForUser(home: string): Promise<void> {
  const directory = demandInstance(home);
  // Why another log: that of `npm start` may belong to root.
  const log = join(home, 'instance', 'opened.log');
  const programs = await providePostgres(major);
  await runPostgresProgram(join(programs, 'pg_ctl'), ['start', '--pgdata', directory, '--wait', '--log', log]);
}
