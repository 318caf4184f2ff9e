import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { kingbaseV8R6 } from '#core/engine/kingbase.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { streamTo } from '#agent/database/server-socket.ts';
import { withLock } from '#scripts/servers/lock.mjs';
import { providePostgres } from '#scripts/servers/postgres.mjs';
import type { Child } from '#scripts/supervisor/child.ts';
import { startChild, untilReady } from '#scripts/supervisor/child.ts';
import { makeCluster, postgresEnvironment } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import { folderBase, openFolder } from './folder.ts';
import { hideFunctions, licence, sysCatalog } from './kingbase-catalog.ts';
import type { KingbaseNames } from './kingbase-names.ts';
import { kingbasePath, kingbaseTexts } from './kingbase-names.ts';
import { renameInProgram } from './kingbase-program.ts';
import { withoutChecksums } from './postgres.ts';

export type KingbaseMode = 'oracle' | 'pg';

/** What a shimmed cluster is made from. */
export interface KingbaseShape extends KingbaseNames {
  readonly engine: 'kingbase-v8r6' | 'kingbase-v9';
  readonly mode: KingbaseMode;
}

export const kingbasePassword = 'holdfast-test';
export const kingbasePort = 54321;
const templates = join(folderBase, `holdfast-kingbase-${String(process.getuid?.() ?? 0)}`);
/** Counts up when the shim changes, so that templates are made anew. */
const shimVersion = 2;

const nameOf = ({ build, isChinese }: KingbaseNames): string =>
  `${build}${isChinese ? '-zh' : ''}-${String(shimVersion)}`;

/** Folder of the server program `kingbase` of a build, in an installation as KingbaseES lays it out. Made once. */
export const kingbasePrograms = async (names: KingbaseNames): Promise<string> => {
  const server = join(templates, nameOf(names), 'KESRealPro', names.build, 'Server');
  const programs = join(server, 'bin');
  const program = join(programs, 'kingbase');
  const original = await providePostgres(12);
  mkdirSync(templates, { recursive: true, mode: 0o755 });
  return withLock(join(templates, `${nameOf(names)}.lock`), () => {
    if (existsSync(program)) return Promise.resolve(programs);
    mkdirSync(programs, { recursive: true, mode: 0o755 });
    for (const part of ['lib', 'share'])
      if (!existsSync(join(server, part))) symlinkSync(join(dirname(original), part), join(server, part));
    const renamed = renameInProgram(readFileSync(join(original, 'postgres')), kingbaseTexts(names));
    writeFileSync(`${program}.new`, renamed);
    chmodSync(`${program}.new`, 0o755);
    renameSync(`${program}.new`, program);
    return Promise.resolve(programs);
  });
};

/** Starts a shimmed server and waits until it accepts connections. */
export const startKingbase = async (programs: string, dataDirectory: string, logPath: string): Promise<Child> => {
  const child = await startChild({
    ...{ name: 'KingbaseES (shimmed)', command: join(programs, 'kingbase'), args: ['-D', dataDirectory] },
    ...{ env: postgresEnvironment(), cwd: '/', user: unprivilegedUser(), logPath, stopSignal: 'SIGINT' },
  });
  const isReady = (): boolean => {
    const file = readPidFile(dataDirectory, 'kingbase.pid');
    return file?.pid === child.pid && file.status === 'ready';
  };
  await untilReady(child, () => Promise.resolve(isReady()), 60);
  return child;
};

export interface KingbasePlace {
  readonly socket: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export const connectKingbase = async ({ socket, port, user, database }: KingbasePlace): Promise<pg.Client> => {
  const stream = streamTo({ socket, port }, '.s.KINGBASE.');
  const client = new pg.Client({ ...stream, host: socket, port, user, database, password: kingbasePassword });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

/** A build changes what a server says, not what it writes: all builds share their clusters. */
const plainNames: KingbaseNames = { build: 'V008R006C008B0020', isChinese: false };

/** A closed cluster, with the databases, the user and the catalog of KingbaseES. Made once, copied by tests. */
export const kingbaseTemplate = async (mode: KingbaseMode, hasChecksums = true): Promise<string> => {
  const path = join(templates, `cluster-${mode}${hasChecksums ? '' : '-unchecked'}-${String(shimVersion)}`);
  const programs = await kingbasePrograms(plainNames);
  return withLock(`${path}.lock`, async () => {
    if (existsSync(path)) return path;
    const work = openFolder('hf-kes-template-');
    const dataDirectory = join(work.path, 'data');
    const postgres = await providePostgres(12);
    const passwordFile = join(work.path, 'password');
    const checksums = hasChecksums ? {} : { checksums: withoutChecksums(12) };
    await makeCluster({ programs: postgres, dataDirectory, password: kingbasePassword, passwordFile, ...checksums });
    renameTree(dataDirectory);
    configure(kingbaseV8R6, dataDirectory, [`unix_socket_directories = '${work.path}'`, 'fsync = off']);
    const server = await startKingbase(programs, dataDirectory, join(work.path, 'server.log'));
    try {
      await furnish(work.path, mode);
    } finally {
      await server.stop();
    }
    renameSync(dataDirectory, path);
    work.remove();
    return path;
  });
};

/** Names of a cluster that PostgreSQL's initdb made, deepest first. */
const renameTree = (directory: string): void => {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) renameTree(path);
    const renamed = kingbasePath(entry.name);
    if (renamed !== entry.name) renameSync(path, join(directory, renamed));
  }
};

/** Appends lines to the main configuration. */
export const configure = ({ files }: EngineProfile, dataDirectory: string, lines: readonly string[]): void => {
  for (const name of ['sys_aud', 'sys_bulkload', 'sys_csnlog', 'sys_log']) {
    mkdirSync(join(dataDirectory, name), { recursive: true, mode: 0o700 });
    giveToUnprivileged(join(dataDirectory, name));
  }
  const own = ["listen_addresses = ''", `port = ${String(kingbasePort)}`, "log_timezone = 'UTC'", "timezone = 'UTC'"];
  appendFileSync(join(dataDirectory, files.configuration), `${[...own, ...lines].join('\n')}\n`);
};

/** User `system`, databases `test` and `security`, and the catalog, in every database that one can connect to. */
const furnish = async (socket: string, mode: KingbaseMode): Promise<void> => {
  const run = async (user: string, database: string, ...statements: readonly string[]): Promise<void> => {
    const client = await connectKingbase({ socket, port: kingbasePort, user, database });
    for (const statement of statements) await client.query(statement);
    await client.end();
  };
  const word = `password '${kingbasePassword}'`;
  await run('postgres', 'template1', `create role maker superuser login ${word}`);
  await run('maker', 'template1', 'alter role postgres rename to system', `alter role system ${word}`);
  await run('system', 'template1', 'drop role maker', 'alter database postgres rename to test');
  await run('system', 'template1', 'create database security');
  if (mode === 'pg') return;
  for (const database of ['template1', 'test', 'security'])
    await run('system', database, sysCatalog, licence, hideFunctions);
  await run('system', 'test', 'alter database template0 allow_connections true');
  await run('system', 'template0', sysCatalog, hideFunctions);
  await run('system', 'test', 'alter database template0 allow_connections false');
};
