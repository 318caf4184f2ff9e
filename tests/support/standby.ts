import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { runTool } from '#scripts/servers/tool.mjs';
import { startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Postgres } from './postgres.ts';

/** A streaming standby of a test server. */
export interface Standby {
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** From now on nothing of the primary comes any more. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

/** Closes the primary for a moment, copies it, and starts both: needs no client tool. The caller closes it before the primary. */
export async function openStandby(primary: Postgres): Promise<Standby> {
  const folder = join(primary.folder, 'standby');
  const socketDirectory = join(folder, 'socket');
  const dataDirectory = join(folder, 'data');
  for (const path of [folder, socketDirectory]) {
    mkdirSync(path, { mode: 0o755 });
    giveToUnprivileged(path);
  }
  await primary.sql("select pg_create_physical_replication_slot('for_the_standby', true)");
  await primary.stop();
  await runTool('cp', ['-a', '--reflink=auto', primary.dataDirectory, dataDirectory]);
  await primary.start();
  const { user, password, port } = primary;
  const upstream = `host=${primary.socketDirectory} port=${String(port)} user=${user} password=${password}`;
  const settings = [
    `primary_conninfo = '${upstream}'`,
    "primary_slot_name = 'for_the_standby'",
    `unix_socket_directories = '${socketDirectory}'`,
    'hot_standby = on',
    '',
  ];
  rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
  appendFileSync(join(dataDirectory, 'postgresql.auto.conf'), settings.join('\n'));
  writeFileSync(join(dataDirectory, 'standby.signal'), '');
  giveToUnprivileged(join(dataDirectory, 'standby.signal'));
  const { programs, major } = primary;
  const logPath = join(folder, 'server.log');
  const server = await startPostgres({ name: `standby ${String(major)}`, programs, dataDirectory, logPath });
  const sql: Standby['sql'] = async (text) => {
    const client = new pg.Client({ host: socketDirectory, port, user, password, database: 'postgres' });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const isStreaming = async (): Promise<boolean> => (await sql('select 1 from pg_stat_wal_receiver')).length === 1;
  await waitFor(isStreaming, 30_000);
  return {
    ...{ dataDirectory, socketDirectory, sql },
    cut: async () => {
      const isGone = async (): Promise<boolean> => {
        const slot = "from pg_replication_slots where slot_name = 'for_the_standby'";
        await primary.sql(`select pg_terminate_backend(active_pid) ${slot} and active`);
        return (await primary.sql(`select pg_drop_replication_slot(slot_name) ${slot}`)).length === 1;
      };
      await waitFor(isGone, 30_000);
      await waitFor(async () => !(await isStreaming()), 30_000);
    },
    close: async () => {
      await server.stop();
    },
  };
}
