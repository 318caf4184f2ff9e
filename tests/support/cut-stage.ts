import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from 'pg';
import { openStore } from '#agent/pools/open-store.ts';
import { bug } from '#core/errors/fail.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { ObjectInfo } from '#core/ports/object-store.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { parseId } from '#core/id.ts';
import type { LiveRun } from '#scripts/demo/holdfast-client.ts';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import type { TableProof } from '#scripts/demo/workload.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import { freePorts } from '#scripts/supervisor/free-port.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import { openFolder } from './folder.ts';
import type { Line } from './line.ts';
import { openLine } from './line.ts';
import type { PlatformInstance } from './platform-instance.ts';
import { firstDatabase, openStackWithInstance } from './platform-instance.ts';

/** A whole Holdfast whose agent reaches API, Temporal and an S3 pool over lines that a test can cut. */
export interface CutStage {
  readonly stack: Stack;
  readonly api: HoldfastClient;
  readonly source: PlatformInstance;
  readonly sql: Client;
  readonly folder: string;
  readonly lines: { readonly pool: Line; readonly api: Line; readonly temporal: Line };
  /** Keys of the objects below a prefix of the pool with their sizes, read past Holdfast and past the lines. */
  objects(prefix: string): Promise<readonly ObjectInfo[]>;
  readonly content: readonly TableProof[];
  close(): Promise<void>;
}

const mebi = 1_048_576;
const rowBytes = 8000;
const rowsPerInsert = 128;

/** Starts everything and fills the source with random bytes. */
export async function openCutStage(mebibytes = 24): Promise<CutStage> {
  const home = openFolder('hf-cut-');
  const [api = 0, temporal = 0, temporalUi = 0, temporalHttp = 0, temporalMetrics = 0, minio = 0] = await freePorts(6);
  const lines = { pool: await openLine(minio), api: await openLine(api), temporal: await openLine(temporal) };
  const opened = await openStackWithInstance({
    home: home.path,
    parts: ['catalog', 'temporal', 'minio', 'demo-instance', 'api', 'worker', 'agent'],
    hasClientTools: true,
    ports: { api, temporal, temporalUi, temporalHttp, temporalMetrics, minio },
    instanceConfig: ['shared_buffers = 64MB', 'fsync = off'],
    env: {
      HOLDFAST_API_URL: `http://${lines.api.address}`,
      HOLDFAST_AGENT_TEMPORAL_ADDRESS: lines.temporal.address,
    },
  });
  const { stack, instance: source } = opened;
  const sql = await source.connect();
  const close = async (): Promise<void> => {
    await sql.end();
    await opened.close();
    for (const line of Object.values(lines)) await line.close();
    home.remove();
  };
  try {
    await fill(sql, mebibytes);
    const client = new HoldfastClient(stack.places.apiUrl, stack.places.adminTokenPath);
    const base = { stack, api: client, source, sql, folder: home.path, lines, close };
    const access = await register(base, stack);
    return { ...base, objects: (prefix) => objectsOf(access, prefix), content: await proveTables(sql) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function fill(sql: Client, mebibytes: number): Promise<void> {
  await sql.query('create table photo (id bigserial primary key, body bytea not null)');
  await sql.query('alter table photo alter column body set storage plain');
  for (let left = (mebibytes * mebi) / rowBytes; left > 0; left -= rowsPerInsert) {
    const rows = Array.from({ length: rowsPerInsert }, () => randomBytes(rowBytes));
    await sql.query(`insert into photo (body) values ${rows.map((_row, i) => `($${String(i + 1)})`).join(',')}`, rows);
  }
  await sql.query('vacuum analyze');
}

type Base = Pick<CutStage, 'api' | 'source' | 'lines'>;

/** The pool as the agent reaches it lies behind its line; the answer is the same pool without the line. */
async function register({ api, source, lines }: Base, { places }: Stack): Promise<PoolAccess> {
  const { data } = await api.get<{ data: { id: string }[] }>('/hosts');
  const host = data[0]?.id ?? '';
  const { dataDirectory, user, password } = source;
  await api.post('/resources', { host, dataDirectory, name: 'source' });
  await api.post('/resources/source/login', { user, password });
  const bucket = { isTls: false, region: 'us-east-1', bucket: 'cut', prefix: '' };
  const place = { kind: 's3', endpoint: lines.pool.host, port: lines.pool.port, ...bucket } as const;
  const { accessKey, secretKey } = places.minio;
  const secrets = { s3: { accessKey, secretKey } };
  const { id } = await api.post<{ id: string }>('/pools', { name: 'pool', host, place, secrets });
  return { poolId: parseId('pool', id), name: 'pool', place: { ...place, port: places.minio.port }, secrets };
}

async function objectsOf(access: PoolAccess, prefix: string): Promise<readonly ObjectInfo[]> {
  const store = openStore(access);
  const found: ObjectInfo[] = [];
  try {
    for await (const object of store.list(prefix)) found.push(object);
  } finally {
    await store.close();
  }
  return found;
}

/** Starts a full backup on two channels. */
export async function startCutBackup(
  { api, source }: Pick<CutStage, 'api' | 'source'>,
  wish: { readonly limits: RateLimits; readonly reconnectMinutes?: number; readonly pool?: string },
): Promise<{ readonly id: string; readonly setId: string }> {
  const { limits, reconnectMinutes = 2, pool = 'pool' } = wish;
  const options = {
    channels: 2,
    limits,
    archiveDirectory: source.archiveDirectory,
    archiveRetention: { mode: 'keep' },
  };
  const body = { kind: 'full-backup', resource: 'source', pool, options, reconnectMinutes };
  return api.post<{ id: string; setId: string }>('/runs', body);
}

/** One logical set of all that is in the database of the source; its id. */
export async function takeLogicalSet({ api }: Pick<CutStage, 'api'>): Promise<string> {
  const nothing = { schemas: [], tables: [], excludeSchemas: [], excludeTables: [] };
  const selection = { of: 'chosen', databases: [{ database: firstDatabase, ...nothing }] };
  const body = { resource: 'source', pool: 'pool', selection, options: { channels: 1 } };
  const { id } = await api.post<{ id: string }>('/logical-backups', body);
  const { run } = await api.untilDone(id, 60_000);
  if (run.setId === null) throw bug(`run ${id} made a set`);
  return run.setId;
}

/** Starts to bring the table back beside itself, under another name. */
export async function startLogicalRestore(
  { api }: Pick<CutStage, 'api'>,
  wish: { readonly set: string; readonly as: string; readonly limits: RateLimits; readonly reconnectMinutes: number },
): Promise<string> {
  const tables = [{ database: firstDatabase, schema: 'public', table: 'photo' }];
  return (await api.post<{ id: string }>('/logical-restores', { ...wish, tables })).id;
}

/** Waits until a run tells so many written bytes. */
export const untilProgress = (
  { api }: Pick<CutStage, 'api'>,
  runId: string,
  isEnough: (progress: { readonly bytesWritten: number; readonly phase: string }) => boolean,
): Promise<LiveRun> =>
  pollUntil(
    async () => {
      const live = await api.get<LiveRun & { progress?: { bytesWritten: number; phase: string } }>(`/runs/${runId}`);
      if (['failed', 'cancelled'].includes(live.run.state))
        throw bug(`run ${runId} ended: ${JSON.stringify(live.run)}`);
      return live.progress !== undefined && isEnough(live.progress) ? live : undefined;
    },
    { what: `progress of ${runId}`, timeoutMs: 60_000 },
  );

/** Process ids of the sessions that Holdfast has with the source. */
export async function sessionsOf({ sql }: Pick<CutStage, 'sql'>): Promise<readonly number[]> {
  const text = "select pid from pg_stat_activity where application_name = 'holdfast' order by pid";
  return (await sql.query<{ pid: number }>(text)).rows.map(({ pid }) => pid);
}

export const copyPlace = ({ folder }: Pick<CutStage, 'folder'>, name: string): string => join(folder, 'copies', name);
