import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { bug } from '#core/errors/fail.ts';
import { isAlive, readPidFile } from '#agent/datadir/reader.ts';
import type { Child } from '#scripts/supervisor/child.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Folder } from './folder.ts';

/** What can be done with any server of a test. */
export interface ServerLife {
  /** One statement on a connection of its own; the rows. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  connect(database?: string): Promise<pg.Client>;
  /** Process id of the postmaster; undefined when closed. */
  pid(): number | undefined;
  start(): Promise<void>;
  /** Fast shutdown. */
  stop(): Promise<void>;
  /** SIGKILL: a crash. */
  kill(): Promise<void>;
  /** Stops and removes everything. */
  close(): Promise<void>;
}

interface Server {
  /** Everything of it is below; removed when the server is closed. */
  readonly place: Folder;
  readonly connect: ServerLife['connect'];
  readonly begin: () => Promise<Child>;
}

/** The folders of a server beside its data directory, owned by the account that runs it. */
export function makeServerFolders(folder: string): void {
  for (const name of ['socket', 'archive']) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    giveToUnprivileged(join(folder, name));
  }
}

/** How a server of a test is asked, started and ended, whatever engine it is. */
export function serverLife({ place, connect, begin }: Server): Omit<ServerLife, 'connect'> {
  let server: Child | undefined;
  return {
    sql: async (text, values = []) => {
      const client = await connect();
      try {
        return (await client.query<Record<string, unknown>>(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
    pid: () => (server?.isRunning() === true ? server.pid : undefined),
    start: async () => {
      server = await begin();
    },
    stop: async () => {
      await server?.stop();
    },
    // A real crash leaves the pid file and takes the shared memory with it; the next start must cope with that.
    kill: async () => {
      await server?.kill();
    },
    close: async () => {
      await server?.stop();
      place.remove();
    },
  };
}

/** Stops the server that a restore of any engine left open in a directory. */
export async function stopServerIn(directory: string): Promise<void> {
  const { pid = 0 } = readPidFile(directory) ?? {};
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  if (!(await waitFor(() => !isAlive(pid), 10_000))) throw bug(`the server in ${directory} stops when it is asked to`);
}
