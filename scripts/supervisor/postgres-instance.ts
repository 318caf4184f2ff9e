import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { Child, OnStart } from './child.ts';
import { startChild, untilReady } from './child.ts';
import { giveToUnprivileged, unprivilegedUser } from './unprivileged.ts';

/** The environment every PostgreSQL program gets: no locale surprises, no PG* variable of the caller. */
export const postgresEnvironment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...extra,
});

const keptOutput = 2000;

/** Runs a PostgreSQL program to its end as the unprivileged user and returns its output. */
export const runPostgresProgram = async (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = postgresEnvironment(),
): Promise<string> => {
  const user = unprivilegedUser();
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const child = spawn(command, [...args], { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...identity });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(signal ?? String(code));
    });
  });
  const output = Buffer.concat(chunks).toString();
  if (status !== '0') throw fail('tool_failed', { tool: command, status, output: output.slice(-keptOutput) });
  return output;
};

export interface NewCluster {
  readonly programs: string;
  /** Must not exist; its parent must be open to the unprivileged user. */
  readonly dataDirectory: string;
  /** Superuser `postgres`, scram-sha-256. */
  readonly password: string;
  /** A file of 0600 that holds the password while initdb runs; removed by the caller. */
  readonly passwordFile: string;
  readonly segmentMiB?: number;
  /** Words that tell initdb about page checksums; on when absent. */
  readonly checksums?: readonly string[];
}

/** initdb without locale, UTF-8, with page checksums unless told otherwise. */
export const makeCluster = async (cluster: NewCluster): Promise<void> => {
  writeFileSync(cluster.passwordFile, cluster.password, { mode: 0o600 });
  giveToUnprivileged(cluster.passwordFile);
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${cluster.passwordFile}`];
  const shape = ['--no-locale', '--encoding=UTF8', '--no-sync', ...(cluster.checksums ?? ['--data-checksums'])];
  const segment = cluster.segmentMiB === undefined ? [] : [`--wal-segsize=${String(cluster.segmentMiB)}`];
  await runPostgresProgram(join(cluster.programs, 'initdb'), [
    `--pgdata=${cluster.dataDirectory}`,
    ...shape,
    ...access,
    ...segment,
  ]);
};

/** True when the server says "ready" in the eighth line of its pid file and the pid is this server's. */
const isReadyInPidFile = (dataDirectory: string, pid: number): boolean => {
  const path = join(dataDirectory, 'postmaster.pid');
  if (!existsSync(path)) return false;
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines[0]?.trim() === String(pid) && lines[7]?.trim() === 'ready';
};

export interface ServerStart {
  readonly name: string;
  readonly programs: string;
  readonly dataDirectory: string;
  readonly logPath: string;
  /** How long crash recovery may take. */
  readonly seconds?: number;
  readonly onStart?: OnStart | undefined;
}

/** Starts a server in the foreground as our child and waits until it accepts connections. */
export const startPostgres = async (start: ServerStart): Promise<Child> => {
  const child = await startChild({
    name: start.name,
    command: join(start.programs, 'postgres'),
    args: ['-D', start.dataDirectory],
    env: postgresEnvironment(),
    cwd: '/',
    user: unprivilegedUser(),
    logPath: start.logPath,
    stopSignal: 'SIGINT',
    onStart: start.onStart,
  });
  await untilReady(child, () => Promise.resolve(isReadyInPidFile(start.dataDirectory, child.pid)), start.seconds ?? 60);
  return child;
};
