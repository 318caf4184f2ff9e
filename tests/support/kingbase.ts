import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceAccess } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { readControlFile } from '#agent/datadir/reader.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import { archiveScript } from '#scripts/supervisor/archive-script.ts';
import { postgresEnvironment } from '#scripts/supervisor/postgres-instance.ts';
import { newTestId } from './backup.ts';
import { openFolder } from './folder.ts';
import type { KingbaseMode, KingbaseShape } from './kingbase-template.ts';
import {
  configure,
  connectKingbase,
  kingbasePassword,
  kingbasePort,
  kingbasePrograms,
  kingbaseTemplate,
  startKingbase,
} from './kingbase-template.ts';
import type { Postgres } from './postgres.ts';
import { makeServerFolders, serverLife } from './server-life.ts';
import { renewSystemId } from './system-id.ts';

export interface KingbaseOptions {
  readonly engine?: KingbaseShape['engine'];
  readonly mode?: KingbaseMode;
  readonly build?: string;
  readonly isChinese?: boolean;
  /** archive_mode on, with a safe archive_command into `archiveDirectory`. */
  readonly archive?: boolean;
  /** Lines appended to kingbase.conf. */
  readonly config?: readonly string[];
  readonly isClosed?: boolean;
  /** Page checksums; on when absent. */
  readonly hasChecksums?: boolean;
}

/** A shimmed KingbaseES: PostgreSQL 12 with its names on disk, in its programs and in its catalog. */
export interface Kingbase extends Postgres {
  readonly engine: KingbaseShape['engine'];
  instance(changes?: Partial<InstanceAccess>): Promise<InstanceAccess>;
}

/** Whether a server of a test is a shimmed one. */
export const isShimmed = (server: Postgres): server is Kingbase => 'engine' in server;

export const builds = { 'kingbase-v8r6': 'V008R006C008B0020PS065', 'kingbase-v9': 'V009R001C001B0024' };

/** The shim renames in a program for x86-64 Linux; elsewhere its tests are skipped. */
export const canShimKingbase = process.platform === 'linux' && process.arch === 'x64';

/** Opens a shimmed cluster of its own, with a system identifier of its own. */
export const openKingbase = async (options: KingbaseOptions = {}): Promise<Kingbase> => {
  const { engine = 'kingbase-v8r6', mode = 'oracle', isChinese = false } = options;
  const shape: KingbaseShape = { engine, mode, isChinese, build: options.build ?? builds[engine] };
  const profile = engineProfile(engine);
  const programs = await kingbasePrograms(shape);
  const template = await kingbaseTemplate(mode, options.hasChecksums);
  const place = openFolder('hf-kes-');
  const folder = place.path;
  makeServerFolders(folder);
  const dataDirectory = join(folder, 'data');
  const socket = join(folder, 'socket');
  const archiveDirectory = join(folder, 'archive');
  await runTool('cp', ['-a', '--reflink=auto', template, dataDirectory]);
  renewSystemId(dataDirectory, profile.files);
  writeFileSync(join(folder, 'archive.sh'), archiveScript, { mode: 0o755 });
  configure(profile, dataDirectory, [
    `unix_socket_directories = '${socket}'`,
    `database_mode = '${mode}'`,
    ...['shared_buffers = 32MB', 'max_connections = 50', 'wal_level = replica', 'fsync = off'],
    ...["log_directory = 'sys_log'", "log_line_prefix = '%m [%p] '"],
    ...(options.archive === true
      ? ['archive_mode = on', `archive_command = 'sh "${folder}/archive.sh" "%p" "${archiveDirectory}/%f"'`]
      : []),
    ...(options.config ?? []),
  ]);
  const user = 'system';
  const logPath = join(folder, 'server.log');
  const connect: Postgres['connect'] = (database = 'test') =>
    connectKingbase({ socket, port: kingbasePort, user, database });
  const kingbase: Kingbase = {
    ...{ engine, major: 12, programs, folder, dataDirectory, archiveDirectory, logPath, user, connect },
    ...{ socketDirectory: socket, port: kingbasePort, password: kingbasePassword },
    connection: { host: socket, port: kingbasePort, user, password: kingbasePassword, database: 'test' },
    env: postgresEnvironment({ KINGBASE_DATA: dataDirectory, KINGBASE_PORT: String(kingbasePort) }),
    ...serverLife({ place, connect, begin: () => startKingbase(programs, dataDirectory, logPath) }),
    instance: async (changes = {}) => ({
      ...{ resourceId: newTestId('res'), engine, dataDirectory, socket, port: kingbasePort },
      login: { user, password: kingbasePassword, database: 'test' },
      systemId: (await readControlFile(profile, dataDirectory)).content.systemId,
      ...changes,
    }),
  };
  if (options.isClosed !== true) await kingbase.start();
  return kingbase;
};
