import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { BackupBench } from './backup.ts';
import type { Postgres } from './postgres.ts';
import type { SetId } from '#core/id.ts';

/** A server on the content of one set alone, made without any code of restore. */
export interface MaterialisedSet {
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  sql(text: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface MaterialiseOptions {
  /** Leaves the server a standby without upstream. */
  readonly isStandby?: boolean;
  /** More lines of configuration. */
  readonly settings?: readonly string[];
}

/** Writes every member of a set as it is; tablespaces go below `folder`. Answers the data directory. */
export async function writeSet(bench: BackupBench, setId: SetId, folder: string): Promise<string> {
  const pool = await bench.openPool();
  const set = await openSet(pool, setId);
  const dataDirectory = join(folder, 'data');
  const place = (path: string): string => join(dataDirectory, path);
  mkdirSync(dataDirectory, { mode: 0o700, recursive: true });
  giveToUnprivileged(dataDirectory);
  let map = '';
  for (const member of set.meta.members) {
    if (member.kind === 'directory') mkdirSync(place(member.path), { mode: member.mode, recursive: true });
    if (member.kind === 'symlink') {
      const target = join(folder, `space-${basename(member.path)}`);
      mkdirSync(target, { recursive: true, mode: 0o700 });
      giveToUnprivileged(target);
      symlinkSync(target, place(member.path));
      map += `${basename(member.path)} ${target}\n`;
    }
    if (member.kind === 'file' && member.origin === undefined) {
      mkdirSync(dirname(place(member.path)), { recursive: true, mode: 0o700 });
      writeFileSync(place(member.path), await set.readMember(member.path), { mode: member.mode });
    }
    if (member.kind !== 'symlink') giveToUnprivileged(place(member.path));
  }
  if (map !== '') writeFileSync(place('tablespace_map'), map);
  await pool.close();
  return dataDirectory;
}

/** Starts the set as it is: the server replays the log inside it to the end. */
export async function materialise(
  bench: BackupBench,
  setId: SetId,
  source: Postgres,
  options: MaterialiseOptions = {},
): Promise<MaterialisedSet> {
  const folder = join(bench.folder, `copy-${setId}`);
  mkdirSync(folder, { mode: 0o755 });
  giveToUnprivileged(folder);
  const dataDirectory = await writeSet(bench, setId, folder);
  const settings = [`unix_socket_directories = '${folder}'`, 'archive_mode = off', ...(options.settings ?? [])];
  if (options.isStandby === true) writeFileSync(join(dataDirectory, 'standby.signal'), '');
  writeFileSync(join(dataDirectory, 'postgresql.auto.conf'), `${settings.join('\n')}\n`);
  const server = await startPostgres({
    name: 'materialised set',
    programs: source.programs,
    dataDirectory,
    logPath: join(folder, 'server.log'),
  });
  return {
    dataDirectory,
    socketDirectory: folder,
    sql: async (text) => {
      const client = new pg.Client({ ...source.connection, host: folder });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    },
    close: async () => {
      await server.stop();
    },
  };
}
