import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { archiveScript } from './archive-script.ts';
import type { Child, OnStart } from './child.ts';
import { makeCluster, startPostgres } from './postgres-instance.ts';
import { provideSocketFolder } from './socket-folder.ts';
import { giveToUnprivileged } from './unprivileged.ts';

export interface EmbeddedOptions {
  /** In messages and file names. */
  readonly name: string;
  readonly programs: string;
  /** Everything of this server is below. */
  readonly folder: string;
  /** Lines of configuration, rewritten at each start. */
  readonly config?: readonly string[];
  /** archive_mode on, into `<folder>/archive`. */
  readonly isArchiving?: boolean;
}

export interface EmbeddedPostgres {
  readonly folder: string;
  readonly programs: string;
  readonly dataDirectory: string;
  readonly archiveDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** postgresql://… of a database, over the socket. Holds the password. */
  urlOf(database: string): string;
  connect(database?: string): Promise<pg.Client>;
  start(onStart?: OnStart): Promise<Child>;
}

const port = 5432;
const passwordBytes = 18;

const giveFolder = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  giveToUnprivileged(path);
};

/** The password is made with the cluster and kept beside it, readable by its owner alone. */
const makeOnce = async (options: EmbeddedOptions): Promise<string> => {
  const passwordPath = join(options.folder, 'password');
  const dataDirectory = join(options.folder, 'data');
  if (existsSync(dataDirectory)) return readFileSync(passwordPath, 'utf8');
  const half = join(options.folder, 'data.new');
  rmSync(half, { recursive: true, force: true });
  const password = randomBytes(passwordBytes).toString('base64url');
  await makeCluster({ programs: options.programs, dataDirectory: half, password, passwordFile: passwordPath });
  // Why: rename last, so that a set-up that was interrupted begins again.
  renameSync(half, dataDirectory);
  return password;
};

const configuration = (options: EmbeddedOptions, socketDirectory: string): string => {
  const archive = [
    'archive_mode = on',
    `archive_command = 'sh "${options.folder}/archive.sh" "%p" "${options.folder}/archive/%f"'`,
  ];
  return [
    "listen_addresses = ''",
    `unix_socket_directories = '${socketDirectory}'`,
    `port = ${String(port)}`,
    "log_timezone = 'UTC'",
    "timezone = 'UTC'",
    ...(options.isArchiving === true ? archive : []),
    ...(options.config ?? []),
    '',
  ].join('\n');
};

const configure = (options: EmbeddedOptions, socketDirectory: string): void => {
  const dataDirectory = join(options.folder, 'data');
  const main = join(dataDirectory, 'postgresql.conf');
  const include = "include_if_exists = 'holdfast-instance.conf'";
  const text = readFileSync(main, 'utf8');
  if (!text.includes(include)) writeFileSync(main, `${text}\n${include}\n`);
  const own = join(dataDirectory, 'holdfast-instance.conf');
  writeFileSync(own, configuration(options, socketDirectory), { mode: 0o600 });
  giveToUnprivileged(own);
};

/** A PostgreSQL of our own in one folder: made on first use, configured at each start, reached by its socket only. */
export const openEmbeddedPostgres = async (options: EmbeddedOptions): Promise<EmbeddedPostgres> => {
  giveFolder(options.folder);
  const archiveDirectory = join(options.folder, 'archive');
  giveFolder(archiveDirectory);
  writeFileSync(join(options.folder, 'archive.sh'), archiveScript, { mode: 0o755 });
  const password = await makeOnce(options);
  const socketDirectory = provideSocketFolder(join(options.folder, 'socket'));
  const dataDirectory = join(options.folder, 'data');
  const login = { user: 'postgres', password };
  return {
    ...{
      folder: options.folder,
      programs: options.programs,
      dataDirectory,
      archiveDirectory,
      socketDirectory,
      port,
      ...login,
    },
    urlOf: (database) => {
      const where = new URLSearchParams({ host: socketDirectory, port: String(port) });
      return `postgresql://postgres:${encodeURIComponent(password)}@/${database}?${where.toString()}`;
    },
    connect: async (database = 'postgres') => {
      const client = new pg.Client({ host: socketDirectory, port, database, ...login });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    start: (onStart) => {
      configure(options, socketDirectory);
      const logPath = join(options.folder, 'server.log');
      const { name, programs } = options;
      return startPostgres({ name, programs, dataDirectory, logPath, seconds: 120, onStart });
    },
  };
};

/** Makes a database when it is missing. */
export const provideDatabase = async (server: EmbeddedPostgres, name: string): Promise<void> => {
  const client = await server.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
};
