import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { bug, fail } from '#core/errors/fail.ts';
import { provideClientTools, providePostgres } from '#scripts/servers/postgres.mjs';
import { findOnPath } from '#scripts/servers/tool.mjs';
import { makeCluster, postgresEnvironment, startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';

/** A cluster of a bench: page checksums, filled, idle after a checkpoint. Everything of it is below `folder`. */
export interface BenchCluster {
  readonly folder: string;
  /** Takes what is archived, beside pgBackRest. */
  readonly archiveDirectory: string;
  readonly dataDirectory: string;
  readonly socket: string;
  readonly port: number;
  readonly passwordFile: string;
  /** Folder of the server's programs. */
  readonly programs: string;
  /** Folder of pg_basebackup, pgbench… of the same major. */
  readonly clients: string;
  readonly systemId: string;
  readonly version: string;
  /** Connection settings for tools of PostgreSQL. */
  readonly env: Readonly<Record<string, string>>;
  readonly connect: () => Promise<pg.Client>;
  close(): Promise<void>;
}

/** What a cluster is made of. */
export interface ClusterRequest {
  /** Folder below which it is made. */
  readonly base: string;
  /** 15 is Debian's, which pgBackRest knows; 18 has incrementals of its own. */
  readonly major: 15 | 18;
  readonly fill: (cluster: Filling) => Promise<void>;
}

/** What there is while a cluster is filled. */
export type Filling = Pick<BenchCluster, 'folder' | 'clients' | 'env' | 'connect'>;

const debianPrograms = '/usr/lib/postgresql/15/bin';
const port = 5432;

const settings = (folder: string, major: number): string =>
  [
    ...(major >= 17 ? ['summarize_wal = on'] : []),
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
function layOut(folder: string, backrest: string | undefined): void {
  chmodSync(folder, 0o755);
  const parts = ['backrest', 'backrest-block'].flatMap((at) =>
    ['', '/repository', '/lock', '/spool', '/log'].map((part) => `${at}${part}`),
  );
  for (const name of ['socket', 'archive', ...parts, 'plain']) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    giveToUnprivileged(join(folder, name));
  }
  giveToUnprivileged(folder);
  // By its path: the server's own PATH may lead to another version.
  const push =
    backrest === undefined
      ? ''
      : `'${backrest}' --config=${folder}/backrest/pgbackrest.conf --stanza=bench archive-push "$1"`;
  const keep = `cp "$1" '${folder}/archive/'"$2".part && mv '${folder}/archive/'"$2".part '${folder}/archive/'"$2"`;
  writeFileSync(join(folder, 'pgbackrest-and-keep.sh'), `set -e\n${push}\n${keep}\n`, { mode: 0o755 });
}

/** Throws `bench_tool_missing`. */
async function programsOf(major: 15 | 18): Promise<Pick<BenchCluster, 'programs' | 'clients'>> {
  if (major === 18) return { programs: await providePostgres(18), clients: await provideClientTools(18) };
  const pgbench = join(debianPrograms, 'pgbench');
  if (!existsSync(pgbench)) throw fail('bench_tool_missing', { tool: pgbench });
  return { programs: debianPrograms, clients: debianPrograms };
}

/** Makes, starts and fills a cluster; archiving begins after that. The caller closes it. Throws `bench_tool_missing`. */
export async function openBenchCluster({ base, major, fill }: ClusterRequest): Promise<BenchCluster> {
  const { programs, clients } = await programsOf(major);
  const folder = mkdtempSync(join(base, 'hf-bench-'));
  layOut(folder, major === 15 ? findOnPath('pgbackrest') : undefined);
  const dataDirectory = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const password = randomBytes(12).toString('hex');
  await makeCluster({ programs, dataDirectory, password, passwordFile });
  appendFileSync(join(dataDirectory, 'postgresql.conf'), settings(folder, major));
  const socket = join(folder, 'socket');
  const logPath = join(folder, 'server.log');
  const server = await startPostgres({ name: 'bench PostgreSQL', programs, dataDirectory, logPath });
  const close = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const database = 'postgres';
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host: socket, port, user: 'postgres', password, database });
    await client.connect();
    return client;
  };
  const login = {
    PGHOST: socket,
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGPASSWORD: password,
    PGDATABASE: database,
  };
  const filling = { folder, clients, connect, env: postgresEnvironment(login) };
  try {
    await fill(filling);
    const facts = await beginArchiving(filling);
    const archiveDirectory = join(folder, 'archive');
    return { ...filling, ...facts, archiveDirectory, dataDirectory, socket, port, passwordFile, programs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The load itself is not archived: it would only delay the first round. */
async function beginArchiving({ folder, connect }: Filling): Promise<{ systemId: string; version: string }> {
  const client = await connect();
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
