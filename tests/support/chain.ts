import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BaseOfBackup, BackupOptions, InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { parseRelationFile } from '#core/backup/relation-file.ts';
import type { SetId } from '#core/id.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { prepareTarget } from '#agent/datadir/writer.ts';
import { restoreSet } from '#agent/restore/restore-set.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import pg from 'pg';
import type { BackupBench } from './backup.ts';
import { newTestId } from './backup.ts';
import type { Postgres } from './postgres.ts';

/** An order for an incremental of a base. */
export const incrementalOrder = (
  bench: BackupBench,
  instance: InstanceAccess,
  base: BaseOfBackup,
  options: Partial<BackupOptions> = {},
): OrderOf<'full-backup'> => ({ ...bench.order(instance, options), base });

/** A set as files, written the way a restore does it, not recovered. */
export interface RestoredFiles {
  readonly dataDirectory: string;
  readonly folder: string;
}

/** Restores the files of a set with all that it builds on below a new folder; tablespaces go beside the data directory. */
export async function restoreFiles(
  bench: BackupBench,
  setId: SetId,
  name: string,
  channels = 2,
): Promise<RestoredFiles> {
  const folder = join(bench.folder, name);
  mkdirSync(folder, { mode: 0o755 });
  giveToUnprivileged(folder);
  const pool = await bench.openPool();
  const chain = await openChain(pool, setId);
  const { summary } = chain[0].meta;
  const tablespaces: Record<string, string> = {};
  for (const { oid } of summary.tablespaces) {
    tablespaces[String(oid)] = join(folder, `space-${String(oid)}`);
    mkdirSync(join(folder, `space-${String(oid)}`), { mode: 0o700 });
    giveToUnprivileged(join(folder, `space-${String(oid)}`));
  }
  const user = unprivilegedUser();
  const owner = { uid: user?.uid ?? process.getuid?.() ?? 0, gid: user?.gid ?? process.getgid?.() ?? 0 };
  const dataDirectory = join(folder, 'data');
  const runId = newTestId('run');
  const target = prepareTarget({
    directory: dataDirectory,
    files: engineProfile(summary.engine).files,
    tablespaces,
    runId,
    owner,
    bytes: {},
  });
  const step = { ...bench.step({ ...bench.order(noInstance), runId }) };
  await restoreSet({ chain, pool: bench.pool, target, channels, hasOutsideConfiguration: false, step });
  await target.finish(await chain[0].readMember(target.files.control));
  await pool.close();
  return { dataDirectory, folder };
}

const noInstance: InstanceAccess = {
  ...{ resourceId: newTestId('res'), engine: 'postgresql', dataDirectory: '', socket: '', port: 0, systemId: '' },
};

/** What only names the place of a restore. */
const ofThePlace = ['.holdfast-restore', 'tablespace_map', 'pg_tblspc', 'sys_tblspc'];

/** How two sets as files differ, tablespaces too: '' when every other file is the same, byte for byte. */
export function differingFiles(one: RestoredFiles, other: RestoredFiles): string {
  const left = ofThePlace.flatMap((name) => ['-x', name]);
  const done = spawnSync('diff', ['-r', '--no-dereference', ...left, one.folder, other.folder], { encoding: 'utf8' });
  return `${done.stdout}${done.stderr}`;
}

/** Starts restored files: the server replays the log inside the set to its end. */
export async function startRestored(
  { dataDirectory, folder }: RestoredFiles,
  source: Postgres,
): Promise<{ connect(database?: string): Promise<pg.Client>; close(): Promise<void> }> {
  const settings = [`unix_socket_directories = '${folder}'`, 'archive_mode = off', 'autovacuum = off'];
  writeFileSync(join(dataDirectory, 'postgresql.auto.conf'), `${settings.join('\n')}\n`);
  const server = await startPostgres({
    ...{ name: 'restored chain', programs: source.programs, dataDirectory, logPath: join(folder, 'server.log') },
  });
  return {
    connect: async (database = 'postgres') => {
      const client = new pg.Client({ ...source.connection, host: folder, database });
      await client.connect();
      return client;
    },
    close: async () => {
      await server.stop();
    },
  };
}

const pageBytes = 8192;
const lsnOf = (page: Uint8Array): number => {
  const view = new DataView(page.buffer, page.byteOffset, 8);
  return view.getUint32(0, true) * 2 ** 32 + view.getUint32(4, true);
};

/** PD_ALL_VISIBLE (`bufpage.h`) together with a map that was copied is more than a hint: index-only scans believe it. */
const isAllVisible = (page: Uint8Array): boolean => ((page[10] ?? 0) & 4) !== 0;

/**
 * Compares the unrecovered files of an incremental with a full that was taken right after it, page by page. Pages that changed
 * since the incremental began are repaired by its log. Hint bits change a page without LSN where nothing logs them
 * (checksums off). Answers what differs.
 */
export async function differences(
  bench: BackupBench,
  restored: (path: string) => Promise<Uint8Array | undefined>,
  incremental: SetSummary,
  fullId: SetId,
): Promise<readonly string[]> {
  const pool = await bench.openPool();
  const full = await openSet(pool, fullId);
  const found: string[] = [];
  for (const member of full.meta.members) {
    if (member.kind !== 'file' || !isCompared(member.path)) continue;
    const [here, there] = [await restored(member.path), await full.readMember(member.path)];
    if (here?.length === there.length) found.push(...differentPages(member.path, { here, there }, incremental));
    else found.push(`${member.path} has ${String(here?.length)} bytes instead of ${String(there.length)}`);
  }
  await pool.close();
  return found;
}

const relationOf = (path: string): ReturnType<typeof parseRelationFile> =>
  /^(base|global|(pg|sys)_tblspc)\//.test(path) ? parseRelationFile(basename(path)) : undefined;

const isCompared = (path: string): boolean =>
  relationOf(path) !== undefined || /^(pg|sys)_(xact|multixact)\//.test(path);

function differentPages(
  path: string,
  { here, there }: { readonly here: Uint8Array; readonly there: Uint8Array },
  incremental: SetSummary,
): readonly string[] {
  const found: string[] = [];
  const relation = relationOf(path);
  for (let at = 0; at < there.length; at += pageBytes) {
    const [a, b] = [here.subarray(at, at + pageBytes), there.subarray(at, at + pageBytes)];
    if (Buffer.compare(a, b) === 0) continue;
    const isRepaired = relation !== undefined && lsnOf(b) >= lsnToNumber(incremental.beginLsn);
    const isUnlogged = relation?.fork === 'main' && !incremental.hasChecksums && lsnOf(a) === lsnOf(b) && lsnOf(a) > 0;
    const isHint = isUnlogged && isAllVisible(a) === isAllVisible(b);
    if (!isRepaired && !isHint) found.push(`${path} block ${String(at / pageBytes)}`);
  }
  return found;
}

export type Connect = (database?: string) => Promise<pg.Client>;

/** A hash of all rows of every permanent table of every database, read both with and without indexes. */
export async function contentOf(connect: Connect): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const database of await databasesOf(connect)) {
    const client = await connect(database);
    const tables = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = relnamespace
        where relkind = 'r' and relpersistence = 'p' and nspname = 'public' order by 1`,
    );
    for (const forbidden of ['enable_indexscan', 'enable_seqscan']) {
      await client.query(`set ${forbidden} = off`);
      for (const { name } of tables.rows) content[`${database}.${name} ${forbidden} off`] = await hashOf(client, name);
      await client.query(`reset ${forbidden}`);
    }
    await client.end();
  }
  return content;
}

async function databasesOf(connect: Connect): Promise<readonly string[]> {
  const client = await connect();
  const { rows } = await client.query<{ name: string }>('select datname as name from pg_database where datallowconn');
  await client.end();
  return rows.map(({ name }) => name);
}

async function hashOf(client: pg.Client, table: string): Promise<string> {
  const sum = 'coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text';
  const { rows } = await client.query<{ hash: string }>(
    `select count(*)::text || ' ' || ${sum} as hash from ${table} t`,
  );
  return rows[0]?.hash ?? '';
}
