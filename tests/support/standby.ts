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

/** Where a copy of a server lies and listens. */
interface Ground {
  readonly folder: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
}

/** Closes the server for a moment and copies it below its own folder. */
async function copyOf(primary: Postgres, name: string): Promise<Ground> {
  const folder = join(primary.folder, name);
  const ground = { folder, socketDirectory: join(folder, 'socket'), dataDirectory: join(folder, 'data') };
  for (const path of [folder, ground.socketDirectory]) {
    mkdirSync(path, { mode: 0o755 });
    giveToUnprivileged(path);
  }
  await primary.stop();
  await runTool('cp', ['-a', '--reflink=auto', primary.dataDirectory, ground.dataDirectory]);
  await primary.start();
  rmSync(join(ground.dataDirectory, 'postmaster.pid'), { force: true });
  return ground;
}

async function startCopy(
  { programs, major, user, password, port }: Postgres,
  ground: Ground,
  settings: readonly string[],
) {
  const { folder, dataDirectory, socketDirectory } = ground;
  const lines = [`unix_socket_directories = '${socketDirectory}'`, ...settings, ''];
  appendFileSync(join(dataDirectory, 'postgresql.auto.conf'), lines.join('\n'));
  const logPath = join(folder, 'server.log');
  const server = await startPostgres({ name: `copy ${String(major)}`, programs, dataDirectory, logPath });
  const sql: Standby['sql'] = async (text) => {
    const client = new pg.Client({ host: socketDirectory, port, user, password, database: 'postgres' });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  return { server, sql };
}

/** A server of its own that was copied from another: the same system identifier and timeline, and nobody follows it. */
export async function openTwin(primary: Postgres): Promise<Omit<Standby, 'cut'>> {
  const ground = await copyOf(primary, 'twin');
  const { server, sql } = await startCopy(primary, ground, ['archive_mode = off']);
  const { dataDirectory, socketDirectory } = ground;
  return { dataDirectory, socketDirectory, sql, close: () => server.stop() };
}

/** Closes the primary for a moment, copies it, and starts both: needs no client tool. The caller closes it before the primary. */
export async function openStandby(primary: Postgres): Promise<Standby> {
  await primary.sql("select pg_create_physical_replication_slot('for_the_standby', true)");
  const ground = await copyOf(primary, 'standby');
  const { dataDirectory, socketDirectory } = ground;
  const { user, password, port } = primary;
  const upstream = `host=${primary.socketDirectory} port=${String(port)} user=${user} password=${password}`;
  writeFileSync(join(dataDirectory, 'standby.signal'), '');
  giveToUnprivileged(join(dataDirectory, 'standby.signal'));
  const { server, sql } = await startCopy(primary, ground, [
    `primary_conninfo = '${upstream}'`,
    "primary_slot_name = 'for_the_standby'",
    'hot_standby = on',
  ]);
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
