import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import {
  copySettings,
  formatSettings,
  recoverySettings,
  splitRecovery,
} from '#core/restore/recovery/recovery-settings.ts';
import { providePostgres } from '#scripts/servers/postgres.mjs';
import type { Child } from '#scripts/supervisor/child.ts';
import { makeCluster, startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { openFolder } from '#tests/support/folder.ts';

const password = 'holdfast-test';
const port = 5432;

/** A cluster of PostgreSQL 11, which is the shape only: KingbaseES V8R3 itself cannot be had. */
interface Eleven {
  readonly dataDirectory: string;
  readonly socket: string;
  sql(text: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

function elevenIn(folder: string, programs: string, name: string): Eleven {
  const dataDirectory = join(folder, name);
  const socket = join(folder, `${name}-socket`);
  mkdirSync(socket, { mode: 0o700 });
  giveToUnprivileged(socket);
  let server: Child | undefined;
  return {
    ...{ dataDirectory, socket },
    sql: async (text) => {
      const client = new pg.Client({ host: socket, port, user: 'postgres', password, database: 'postgres' });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    },
    start: async () => {
      appendFileSync(join(dataDirectory, 'postgresql.conf'), `unix_socket_directories = '${socket}'\n`);
      const logPath = join(folder, `${name}.log`);
      server = await startPostgres({ name: 'PostgreSQL 11', programs, dataDirectory, logPath });
    },
    stop: async () => {
      await server?.stop();
    },
  };
}

test('K-014 K-095 what a restore writes for KingbaseES V8R3 is what a server with recovery.conf recovers by (shape, on PostgreSQL 11)', async () => {
  const programs = await providePostgres(11);
  const place = openFolder('hf-pg11-');
  const folder = place.path;
  const source = elevenIn(folder, programs, 'source');
  const copy = elevenIn(folder, programs, 'copy');
  try {
    const { dataDirectory } = source;
    await makeCluster({ programs, dataDirectory, password, passwordFile: join(folder, 'password') });
    appendFileSync(join(dataDirectory, 'postgresql.conf'), "listen_addresses = ''\nfsync = off\n");
    await source.start();
    await source.sql('create table fact as select generate_series(1, 1000) n');
    const [begun] = await source.sql("select pg_start_backup('shape', true)");
    expect(begun).toBeDefined();
    cpSync(dataDirectory, copy.dataDirectory, { recursive: true, filter: (path) => !path.endsWith('postmaster.pid') });
    await source.sql('select pg_stop_backup()');
    await source.sql('insert into fact select generate_series(1001, 2000)');
    await source.sql("select pg_create_restore_point('before')");
    await source.sql('delete from fact');
    await source.sql('select pg_switch_wal()');
    for (const name of readdirSync(join(dataDirectory, 'pg_wal')).filter((one) => /^[0-9A-F]{24}$/.test(one)))
      cpSync(join(dataDirectory, 'pg_wal', name), join(copy.dataDirectory, 'pg_wal', name));
    const setting = { at: 'name', name: 'before' } as const;
    const { configuration, recoveryConf } = splitRecovery({
      ...copySettings({ major: 11, port, socket: copy.socket, libraries: '', statistics: 'pg_stat_tmp' }),
      ...recoverySettings({ setting, timeline: 1, isOpenedAfter: true }),
    });
    writeFileSync(join(copy.dataDirectory, 'postgresql.auto.conf'), formatSettings(configuration));
    writeFileSync(join(copy.dataDirectory, 'recovery.conf'), formatSettings(recoveryConf));
    for (const path of readdirSync(copy.dataDirectory, { recursive: true }))
      giveToUnprivileged(join(copy.dataDirectory, String(path)));
    giveToUnprivileged(copy.dataDirectory);
    await copy.start();
    expect(await copy.sql('select sum(n)::int as sum from fact')).toEqual([{ sum: 2001000 }]);
    expect(await copy.sql('select timeline_id as timeline from pg_control_checkpoint()')).toEqual([{ timeline: 2 }]);
    expect(readFileSync(join(copy.dataDirectory, 'recovery.done'), 'utf8')).toContain(
      "recovery_target_name = 'before'",
    );
    expect(existsSync(join(copy.dataDirectory, 'recovery.conf'))).toBe(false);
  } finally {
    await copy.stop();
    await source.stop();
    place.remove();
  }
});
