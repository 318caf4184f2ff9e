import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stopCopy } from '../demo/stop-copy.ts';
import type { TableProof } from '../demo/workload.ts';
import { proveTables } from '../demo/workload.ts';
import { providePostgres } from '../servers/postgres.mjs';
import type { EmbeddedPostgres } from '../supervisor/embedded-postgres.ts';
import { openEmbeddedPostgres } from '../supervisor/embedded-postgres.ts';
import { fillSmall } from './frozen.ts';
import { addressOf, connect } from './session.ts';

/** An instance beside the source that runs replace in its place; nothing but them opens it. */
export interface Replaced {
  /** Name of its resource. */
  readonly name: string;
  readonly server: EmbeddedPostgres;
  readonly content: readonly TableProof[];
  /** Fast shutdown, by whoever it was opened. */
  close(): Promise<void>;
  /** What lies beside its data directory and is no part of an instance, by path. */
  strays(): readonly string[];
}

/** Tablespaces of what drills restored into the place of an instance lie beside it (docs/guides/drills.md). */
const staysBeside = new Set(['data.drill-tablespaces']);
/** A server that an agent started logs beside its data directory, and the log stays as one of any server does. */
const logName = /^data\.run_[0-9a-f]{32}\.log$/;

/** Makes an instance with something in it, and opens it for the first time. */
export async function openReplaced(name: string, folder: string): Promise<Replaced> {
  const own = join(folder, name);
  const programs = await providePostgres(18);
  const config = ['shared_buffers = 16MB', 'fsync = off', 'wal_level = replica', 'max_wal_senders = 5'];
  const server = await openEmbeddedPostgres({ name, programs, folder: own, isArchiving: true, config });
  await server.start();
  const sql = await connect(addressOf(server));
  try {
    await fillSmall(sql);
    const around = new Set([...readdirSync(own), ...staysBeside]);
    return {
      ...{ name, server, content: await proveTables(sql) },
      close: () => stopCopy(server.dataDirectory),
      strays: () => {
        const names = readdirSync(own).filter((one) => !around.has(one) && !logName.test(one));
        return names.map((one) => join(own, one));
      },
    };
  } finally {
    await sql.end();
  }
}

interface Restored {
  readonly isDelta: boolean;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Compares what was restored in the place of an instance with what it held, closes it, and removes the old directory. */
export async function proveInPlace(replaced: Replaced, { isDelta, result }: Restored): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const { keptOldAt } = result;
  const sql = await connect(addressOf(replaced.server));
  try {
    if (!isDeepStrictEqual(await proveTables(sql), replaced.content))
      wrongs.push(`${replaced.name} is not what its set holds, by hash`);
  } finally {
    await sql.end();
    await replaced.close();
  }
  const isKept = typeof keptOldAt === 'string' && existsSync(join(keptOldAt, 'PG_VERSION'));
  if (isKept === isDelta) wrongs.push(`the old directory is ${isKept ? '' : 'not '}kept: ${String(keptOldAt)}`);
  if (typeof keptOldAt === 'string') rmSync(keptOldAt, { recursive: true, force: true });
  return wrongs;
}
