import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { bug, fail } from '#core/errors/fail.ts';
import { findOnPath } from '#scripts/servers/tool.mjs';
import {
  makeCluster,
  postgresEnvironment,
  runPostgresProgram,
  startPostgres,
} from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';

/** The one cluster of a bench: PostgreSQL 15 with checksums, filled by pgbench, idle after a checkpoint. */
export interface BenchCluster {
  readonly folder: string;
  readonly dataDirectory: string;
  readonly socket: string;
  readonly port: number;
  readonly passwordFile: string;
  readonly programs: string;
  readonly systemId: string;
  readonly version: string;
  /** Connection settings for tools of PostgreSQL. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const debianPrograms = '/usr/lib/postgresql/15/bin';
const port = 5432;
/** pgbench scale of one GB (engine.md §G: 140 = 2.1 GB). */
const scalePerGb = 67;

const settings = (folder: string): string =>
  [
    `listen_addresses = ''`,
    `unix_socket_directories = '${folder}/socket'`,
    `port = ${String(port)}`,
    'shared_buffers = 128MB',
    'max_wal_size = 8GB',
    'wal_level = replica',
    'archive_mode = on',
    `archive_command = 'true'`,
    `log_timezone = 'UTC'`,
    '',
  ].join('\n');

/** Folders that both sides write to, and an archive that feeds both. pgBackRest wants its name in the archive command. */
function layOut(folder: string): void {
  chmodSync(folder, 0o755);
  for (const name of [
    'socket',
    'archive',
    'backrest',
    'backrest/repository',
    'backrest/lock',
    'backrest/spool',
    'backrest/log',
    'plain',
  ]) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    giveToUnprivileged(join(folder, name));
  }
  giveToUnprivileged(folder);
  const push =
    findOnPath('pgbackrest') === undefined
      ? ''
      : `pgbackrest --config=${folder}/backrest/pgbackrest.conf --stanza=bench archive-push "$1"`;
  const keep = `cp "$1" '${folder}/archive/'"$2".part && mv '${folder}/archive/'"$2".part '${folder}/archive/'"$2"`;
  writeFileSync(join(folder, 'pgbackrest-and-keep.sh'), `set -e\n${push}\n${keep}\n`, { mode: 0o755 });
}

/** Makes, starts and fills the cluster; archiving begins after that. The caller closes it. Throws `bench_tool_missing`. */
export async function openBenchCluster(base: string, sizeGb: number): Promise<BenchCluster> {
  const pgbench = join(debianPrograms, 'pgbench');
  if (!existsSync(pgbench)) throw fail('bench_tool_missing', { tool: pgbench });
  const folder = mkdtempSync(join(base, 'hf-bench-'));
  layOut(folder);
  const dataDirectory = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const password = randomBytes(12).toString('hex');
  await makeCluster({ programs: debianPrograms, dataDirectory, password, passwordFile });
  appendFileSync(join(dataDirectory, 'postgresql.conf'), settings(folder));
  const socket = join(folder, 'socket');
  const start = {
    name: 'bench PostgreSQL',
    programs: debianPrograms,
    dataDirectory,
    logPath: join(folder, 'server.log'),
  };
  const server = await startPostgres(start);
  const access = {
    PGHOST: socket,
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGPASSWORD: password,
    PGDATABASE: 'postgres',
  };
  const env = postgresEnvironment(access);
  const close = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await runPostgresProgram(pgbench, ['-i', '-q', '-s', String(Math.max(1, Math.round(sizeGb * scalePerGb)))], env);
    const facts = await beginArchiving(folder, {
      host: socket,
      port,
      user: 'postgres',
      password,
      database: 'postgres',
    });
    return { folder, dataDirectory, socket, port, passwordFile, programs: debianPrograms, env, close, ...facts };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The load itself is not archived: it would only delay the first round. */
async function beginArchiving(
  folder: string,
  connection: pg.ClientConfig,
): Promise<{ systemId: string; version: string }> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(`alter system set archive_command = 'sh ${folder}/pgbackrest-and-keep.sh "%p" "%f"'`);
    await client.query('select pg_reload_conf()');
    await client.query('checkpoint');
    const text = `select system_identifier::text as "systemId", current_setting('server_version') as version from pg_control_system()`;
    const { rows } = await client.query<{ systemId: string; version: string }>(text);
    const [facts] = rows;
    if (facts === undefined) throw bug('pg_control_system() gave no row');
    return facts;
  } finally {
    await client.end();
  }
}
