import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import type { RateLimits } from '#core/run/rate.ts';
import { bug } from '#core/errors/fail.ts';
import type { LiveRun } from '#scripts/demo/holdfast-client.ts';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import type { TableProof } from '#scripts/demo/workload.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import type { EmbeddedPostgres } from '#scripts/supervisor/embedded-postgres.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { openStack } from '#scripts/supervisor/stack.ts';
import type { PartName } from '#scripts/supervisor/stack-parts.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import { openFolder } from './folder.ts';

/** A whole Holdfast with a filled PostgreSQL 18 and a local pool, to kill parts of. */
export interface KillStage {
  readonly stack: Stack;
  readonly api: HoldfastClient;
  readonly source: EmbeddedPostgres;
  readonly sql: Client;
  readonly folder: string;
  readonly poolDirectory: string;
  /** Content hash of every table of the source, which the tests do not change after the set-up. */
  readonly content: readonly TableProof[];
  /** Bytes of one full set in the pool. */
  readonly storedBytes: number;
  /** The set that the stage was opened with. */
  readonly firstSet: string;
  close(): Promise<void>;
}

/** Parts of the platform that may die; the source lives on. */
export const killable = ['agent', 'worker', 'api', 'temporal', 'catalog'] as const satisfies readonly PartName[];
export type Killable = (typeof killable)[number];

const resource = 'source';
const pool = 'pool';
/** The promise: a run that lost a process is over this long after at most. */
export const runTimeoutMs = 120_000;
const rowBytes = 8000;
const rowsPerMebibyte = Math.ceil(1_048_576 / rowBytes);
const photosPerInsert = 128;

/** Starts every part, fills the source with random bytes, takes one full backup. `env` is read at each start of the agent. */
export async function openKillStage(mebibytes = 40, env: Readonly<Record<string, string>> = {}): Promise<KillStage> {
  const home = openFolder('hf-kill-');
  const parts: PartName[] = ['catalog', 'temporal', 'demo-instance', 'api', 'worker', 'agent'];
  // Why no autovacuum: pages that it marks between two incrementals are changed pages, and would count as bytes sent again.
  const instanceConfig = ['shared_buffers = 64MB', 'max_wal_size = 1GB', 'fsync = off', 'autovacuum = off'];
  const stack = await openStack({ home: home.path, parts, instanceConfig, env });
  const { instance, apiUrl, adminTokenPath } = stack.places;
  if (instance === undefined) throw bug('the stage has an instance');
  const sql = await instance.connect();
  const close = async (): Promise<void> => {
    await sql.end();
    await stack.close();
    home.remove();
  };
  try {
    await fill(sql, mebibytes);
    const api = new HoldfastClient(apiUrl, adminTokenPath);
    const poolDirectory = join(home.path, 'pool');
    const base = { stack, api, source: instance, sql, folder: home.path, poolDirectory, close };
    await register(base);
    return { ...base, ...(await firstSetOf(base)), content: await proveTables(sql) };
  } catch (error) {
    await close();
    throw error;
  }
}

const insertPhotos = async (sql: Client, count: number): Promise<void> => {
  const rows = Array.from({ length: count }, () => randomBytes(rowBytes));
  await sql.query(`insert into photo (body) values ${rows.map((_row, i) => `($${String(i + 1)})`).join(',')}`, rows);
};

/** Changes the source: so many log segments are closed and archived, each with half a MiB of incompressible log. */
export async function writeLog({ sql }: Pick<Base, 'sql'>, segments: number): Promise<void> {
  for (let done = 0; done < segments; done++) {
    await insertPhotos(sql, Math.floor(rowsPerMebibyte / 2));
    await sql.query('select pg_switch_wal()');
  }
}

async function fill(sql: Client, mebibytes: number): Promise<void> {
  await sql.query('create table photo (id bigserial primary key, body bytea not null)');
  await sql.query('alter table photo alter column body set storage plain');
  await sql.query('create table customer (id bigserial primary key, name text unique)');
  for (let left = mebibytes * rowsPerMebibyte; left > 0; left -= photosPerInsert) {
    await insertPhotos(sql, photosPerInsert);
  }
  await sql.query(`insert into customer (name) select 'customer ' || i from generate_series(1, 5000) i`);
  await sql.query('vacuum analyze');
}

type Base = Omit<KillStage, 'content' | 'storedBytes' | 'firstSet'>;

async function register({ api, source, poolDirectory }: Base): Promise<void> {
  const { data } = await api.get<{ data: { id: string }[] }>('/hosts');
  const host = data[0]?.id ?? '';
  const { dataDirectory, user, password } = source;
  await api.post('/resources', { host, dataDirectory, name: resource });
  await api.post(`/resources/${resource}/login`, { user, password });
  await api.post('/pools', { name: pool, host, place: { kind: 'local', directory: poolDirectory } });
}

async function firstSetOf(stage: Base): Promise<{ storedBytes: number; firstSet: string }> {
  const { id } = await startBackup(stage, {});
  const { run } = await untilOver(stage, id);
  if (run.state !== 'succeeded') throw bug(`the first backup ended ${JSON.stringify(run)}`);
  const firstSet = run.setId ?? '';
  const set = await stage.api.get<{ summary: { storedBytes: number } }>(`/backup-sets/${firstSet}`);
  return { firstSet, storedBytes: set.summary.storedBytes };
}

export interface StartedRun {
  readonly id: string;
  /** '' for a restore. */
  readonly setId: string;
}

/** What changed since the newest full, by reading every page. */
export const cumulative = { kind: 'incremental-backup', type: 'cumulative', source: 'page-lsn' } as const;

/** Starts a backup on two channels, a full unless told otherwise; the archive is left as it is. */
export async function startBackup(
  { api, source }: Pick<Base, 'api' | 'source'>,
  limits: RateLimits,
  what: typeof cumulative | { readonly kind: 'full-backup' } = { kind: 'full-backup' },
): Promise<StartedRun> {
  const { archiveDirectory } = source;
  const options = { channels: 2, limits, archiveDirectory, archiveRetention: { mode: 'keep' } };
  const run = await api.post<{ id: string; setId: string }>('/runs', { ...what, resource, pool, options });
  return { id: run.id, setId: run.setId };
}

/** Starts a log backup that deletes from the archive what it has backed up (K-080). */
export async function startLogBackup(
  { api, source }: Pick<Base, 'api' | 'source'>,
  limits: RateLimits,
): Promise<StartedRun> {
  const options = { limits, archiveDirectory: source.archiveDirectory, archiveRetention: { mode: 'delete' } };
  const { id } = await api.post<{ id: string }>('/runs', { kind: 'log-backup', resource, pool, options });
  return { id, setId: '' };
}

export interface CopyWish {
  /** Its state is restored; absent: the latest point that can be reached. */
  readonly setId?: string;
  readonly directory: string;
  readonly limits?: RateLimits;
  /** Absent: the pool of the stage. */
  readonly pool?: string;
}

/** Starts a restore to a new directory; the copy is opened. */
export async function startCopy(
  { api }: Pick<Base, 'api'>,
  { setId, directory, limits = {}, pool: from = pool }: CopyWish,
): Promise<StartedRun> {
  const target = setId === undefined ? { at: 'latest' } : { at: 'immediate', setId };
  const place = { kind: 'copy', directory };
  const body = { resource, pool: from, target, place, options: { channels: 2, limits } };
  const { id } = await api.post<{ id: string }>('/restores', body);
  return { id, setId: '' };
}

/** A limit that makes the transfer of `bytes` last `seconds`. */
export const lasting = (seconds: number, bytes: number): RateLimits => ({
  transferBytesPerSecond: Math.floor(bytes / seconds),
});

const finalStates = new Set(['succeeded', 'warned', 'failed', 'cancelled', 'skipped']);

/** Asks until the run is over. An API or catalog that is away is no answer: it may have been killed a moment ago. */
export const untilOver = ({ api }: Pick<Base, 'api'>, runId: string): Promise<LiveRun> =>
  pollUntil(
    async () => {
      const live = await api.run(runId).catch(() => undefined);
      return live !== undefined && finalStates.has(live.run.state) ? live : undefined;
    },
    { what: `the end of run ${runId}`, timeoutMs: runTimeoutMs },
  );

/** How long a part is away: long enough for others to notice. An input of the test, not a wait for something. */
const outageMs = 2000;

/** kill -9, then a few seconds later the same part again on the same data. Nobody else acts. */
export async function killAndRestart({ stack }: Pick<Base, 'stack'>, part: Killable): Promise<void> {
  await stack.kill(part);
  await pause(outageMs);
  await stack.start(part);
}

/** A directory for a copy whose files the server's account may write; removed with its server by `dropCopy`. */
export const copyDirectory = ({ folder }: Pick<Base, 'folder'>, name: string): string => {
  const above = join(folder, 'copies');
  mkdirSync(above, { recursive: true, mode: 0o755 });
  giveToUnprivileged(above);
  return join(above, name);
};

export async function dropCopy(directory: string): Promise<void> {
  await stopCopy(directory);
  rmSync(directory, { recursive: true, force: true });
}
