import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { withLock } from '#scripts/servers/lock.mjs';
import { providePostgres } from '#scripts/servers/postgres.mjs';
import { runTool } from '#scripts/servers/tool.mjs';
import {
  makeCluster,
  postgresEnvironment,
  runPostgresProgram,
  startPostgres,
} from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { folderBase, openFolder } from './folder.ts';
import type { ServerLife } from './server-life.ts';
import { makeServerFolders, serverLife } from './server-life.ts';
import { renewSystemId } from './system-id.ts';

export type Major = 12 | 13 | 14 | 15 | 16 | 17 | 18;

export interface PostgresOptions {
  readonly major?: Major;
  /** archive_mode on, with a safe archive_command into `archiveDirectory`. */
  readonly archive?: boolean;
  /** Lines appended to postgresql.conf. */
  readonly config?: readonly string[];
  /** fsync on: for crash tests. */
  readonly isDurable?: boolean;
  readonly segmentMiB?: number;
  /** Page checksums; on when absent. */
  readonly hasChecksums?: boolean;
  /** Do not start it: a closed cluster. */
  readonly isClosed?: boolean;
}

export interface Postgres extends ServerLife {
  readonly major: Major;
  /** Folder of initdb, postgres, pg_ctl. */
  readonly programs: string;
  /** Everything of this instance is below; owned by the unprivileged user. */
  readonly folder: string;
  readonly dataDirectory: string;
  readonly archiveDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly logPath: string;
  /** For `pg`: host is the socket directory. */
  readonly connection: { host: string; port: number; user: string; password: string; database: string };
  /** The same for child processes: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
  readonly env: Readonly<Record<string, string>>;
}

const password = 'holdfast-test';
const port = 5432;
const templates = join(folderBase, `holdfast-templates-${String(process.getuid?.() ?? 0)}`);

/** Words for initdb of a cluster without page checksums: they are off by default up to 17. */
export const withoutChecksums = (major: Major): readonly string[] => (major >= 18 ? ['--no-data-checksums'] : []);

/** One initdb per version, segment size and state of checksums and machine; tests copy it. */
const template = async (
  programs: string,
  { major = 15, segmentMiB = 16, ...options }: PostgresOptions,
): Promise<string> => {
  const checksums = options.hasChecksums === false ? { checksums: withoutChecksums(major) } : {};
  const version = (await runPostgresProgram(join(programs, 'postgres'), ['--version'])).replace(/[^0-9.a-z]+/gi, '-');
  const path = join(templates, `${version}${String(segmentMiB)}${options.hasChecksums === false ? '-unchecked' : ''}`);
  mkdirSync(templates, { recursive: true, mode: 0o755 });
  return withLock(`${path}.lock`, async () => {
    if (existsSync(path)) return path;
    const work = openFolder('hf-template-');
    const dataDirectory = join(work.path, 'data');
    await makeCluster({
      programs,
      dataDirectory,
      password,
      passwordFile: join(work.path, 'password'),
      segmentMiB,
      ...checksums,
    });
    await rename(dataDirectory, path);
    work.remove();
    return path;
  });
};

/** The archive_command: whole or not at all, never over different content. */
const archiveScript = (archive: string): string => `#!/bin/sh
set -e
target='${archive}'/"$2"
if [ -e "$target" ]; then exec cmp -s "$1" "$target"; fi
cp "$1" "$target.tmp.$$"
mv "$target.tmp.$$" "$target"
`;

const settings = (options: PostgresOptions, folder: string): string => {
  const archive = ['archive_mode = on', `archive_command = 'sh ${folder}/archive.sh "%p" "%f"'`];
  return [
    "listen_addresses = ''",
    `unix_socket_directories = '${folder}/socket'`,
    `port = ${String(port)}`,
    'shared_buffers = 32MB',
    'max_connections = 50',
    'wal_level = replica',
    'max_wal_senders = 5',
    `fsync = ${options.isDurable === true ? 'on' : 'off'}`,
    "log_line_prefix = '%m [%p] '",
    "log_timezone = 'UTC'",
    "timezone = 'UTC'",
    ...(options.archive === true ? archive : []),
    ...(options.config ?? []),
    '',
  ].join('\n');
};

/** Copies the template to a new data directory and gives it a system identifier of its own. */
const copyTemplate = async (options: PostgresOptions, programs: string, dataDirectory: string): Promise<void> => {
  const source = await template(programs, options);
  await runTool('cp', ['-a', '--reflink=auto', source, dataDirectory]);
  renewSystemId(dataDirectory);
};

/**
 * Lays what the first start of a server of the product would make with initdb, which takes seconds: its data directory and the
 * file of its password.
 */
export const layEmbedded = async (major: Major, folder: string): Promise<void> => {
  mkdirSync(folder, { mode: 0o700 });
  await copyTemplate({ major }, await providePostgres(major), join(folder, 'data'));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveToUnprivileged(passwordFile);
};

const layOut = async (options: PostgresOptions, programs: string, folder: string): Promise<void> => {
  makeServerFolders(folder);
  writeFileSync(join(folder, 'archive.sh'), archiveScript(join(folder, 'archive')), { mode: 0o755 });
  await copyTemplate(options, programs, join(folder, 'data'));
  appendFileSync(join(folder, 'data', 'postgresql.conf'), settings(options, folder));
};

/** Opens a cluster of its own (own system identifier) from the template of its version. */
export const openPostgres = async (options: PostgresOptions = {}): Promise<Postgres> => {
  const major = options.major ?? 15;
  const programs = await providePostgres(major);
  const place = openFolder(`hf-pg${String(major)}-`);
  const folder = place.path;
  await layOut(options, programs, folder);
  const dataDirectory = join(folder, 'data');
  const socketDirectory = join(folder, 'socket');
  const logPath = join(folder, 'server.log');
  const connection = { host: socketDirectory, port, user: 'postgres', password, database: 'postgres' };
  const connect = async (database = 'postgres'): Promise<pg.Client> => {
    const client = new pg.Client({ ...connection, database });
    // Why: a server that is killed on purpose ends its sessions; without a listener that would end the test process.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const instance: Postgres = {
    ...{
      major,
      programs,
      folder,
      dataDirectory,
      socketDirectory,
      port,
      user: 'postgres',
      password,
      logPath,
      connection,
    },
    archiveDirectory: join(folder, 'archive'),
    env: postgresEnvironment({
      ...{ PGHOST: socketDirectory, PGPORT: String(port), PGUSER: 'postgres', PGPASSWORD: password },
      PGDATABASE: 'postgres',
    }),
    connect,
    ...serverLife({
      ...{ place, connect },
      begin: () => startPostgres({ name: `PostgreSQL ${String(major)}`, programs, dataDirectory, logPath }),
    }),
  };
  if (options.isClosed !== true)
    await instance.start().catch((error: unknown) => {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    });
  return instance;
};
