import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { bug } from '#core/errors/fail.ts';
import type { PoolView } from '../demo/pool-view.ts';
import { viewBucket, viewLocalPool } from '../demo/pool-view.ts';
import type { TableProof } from '../demo/workload.ts';
import { provideClientTools, providePostgres } from '../servers/postgres.mjs';
import type { EmbeddedPostgres } from '../supervisor/embedded-postgres.ts';
import { guardFolder } from '../supervisor/folder-guard.ts';
import type { Stack } from '../supervisor/stack.ts';
import { openStack } from '../supervisor/stack.ts';
import { giveToUnprivileged } from '../supervisor/unprivileged.ts';
import { Caller } from './caller.ts';
import { fillSource, proveShop, proveFrozen } from './frozen.ts';
import type { PoolName } from './plan.ts';
import { endAllIn } from './processes.ts';
import type { PutCounter } from './put-counter.ts';
import { openPutCounter } from './put-counter.ts';
import { addressOf, connect } from './session.ts';
import type { Traffic } from './traffic.ts';
import { openTraffic } from './traffic.ts';

/** A whole Holdfast with a source under load and two pools. */
export interface World {
  readonly stack: Stack;
  readonly api: Caller;
  readonly source: EmbeddedPostgres;
  /** A session on the source that is ours. */
  readonly sql: Client;
  readonly folder: string;
  /** Where restores go; the account of the server may write there. */
  readonly copies: string;
  /** The folder for temporary files of every part. */
  readonly temporary: string;
  readonly traffic: Traffic;
  /** What the pools say themselves, past Holdfast and past the counting port. */
  readonly pools: Readonly<Record<PoolName, PoolView>>;
  readonly counter: PutCounter;
  /** Content of what nobody changes. */
  readonly frozen: readonly TableProof[];
  readonly shop: readonly TableProof[];
  /** Aborts when somebody wants us to end. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

export const resource = 'source';
const bucket = 'holdfast-chaos';
const folderPrefix = 'holdfast-chaos-';

interface WorldOptions {
  readonly isKept: boolean;
  readonly signal: AbortSignal;
}

const openFolder = (path: string): string => {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  giveToUnprivileged(path);
  return path;
};

/** Brings everything up, fills the source and makes the pools. Whatever fails, nothing is left. */
export async function openWorld({ isKept, signal }: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), folderPrefix));
  const guard = guardFolder(folder, isKept);
  chmodSync(folder, 0o755);
  const undo: (() => Promise<void> | void)[] = [
    async () => {
      await endAllIn(folder);
      if (!isKept) rmSync(folder, { recursive: true, force: true });
      guard.release();
    },
  ];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    return await furnish(folder, { signal, undo, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Furnishing {
  readonly signal: AbortSignal;
  readonly undo: (() => Promise<void> | void)[];
  readonly close: () => Promise<void>;
}

async function furnish(folder: string, { signal, undo, close }: Furnishing): Promise<World> {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  process.env['TMPDIR'] = temporary;
  const programs = [await providePostgres(18), await provideClientTools(18)];
  const stack = await openStack({
    ...{ home: folder, signal },
    parts: ['catalog', 'temporal', 'minio', 'demo-instance', 'api', 'worker', 'agent'],
    instanceConfig: ['shared_buffers = 64MB', 'max_wal_size = 1GB', 'fsync = off', 'summarize_wal = on'],
    env: { HOLDFAST_POSTGRES_BIN: programs.join(':') },
  });
  undo.push(() => stack.close());
  const { instance, apiUrl, adminTokenPath, minio } = stack.places;
  if (instance === undefined) throw bug('the stage has an instance');
  const counter = await openPutCounter(minio.port);
  undo.push(() => counter.close());
  const sql = await connect(addressOf(instance));
  undo.push(() => sql.end().catch(() => undefined));
  await fillSource(addressOf(instance), sql);
  const traffic = await openTraffic(addressOf(instance));
  undo.push(() => traffic.close().catch(() => undefined));
  const api = new Caller(apiUrl, adminTokenPath, signal);
  const far = await viewBucket({ ...minio, bucket });
  const near = viewLocalPool(openFolder(join(folder, 'near', 'pool')));
  const base = { stack, api, signal, source: instance, sql, folder, temporary, traffic, counter, pools: { near, far } };
  await register(base);
  const copies = openFolder(join(folder, 'copies'));
  return { ...base, copies, frozen: await proveFrozen(sql), shop: await proveShop(addressOf(instance)), close };
}

type Base = Pick<World, 'stack' | 'api' | 'source' | 'folder' | 'counter'>;

async function register({ api, stack, source, folder, counter }: Base): Promise<void> {
  const { data } = await api.get<{ data: { id: string }[] }>('/hosts');
  const host = data[0]?.id ?? '';
  const { dataDirectory, user, password } = source;
  await api.post('/resources', { host, dataDirectory, name: resource });
  await api.post(`/resources/${resource}/login`, { user, password });
  await api.put(`/resources/${resource}/canary`, { staticTables: ['public.photo', 'public.customer'] });
  await api.post('/pools', { name: 'near', host, place: { kind: 'local', directory: join(folder, 'near', 'pool') } });
  const { accessKey, secretKey, endPoint } = stack.places.minio;
  const place = { kind: 's3', endpoint: endPoint, port: counter.port, isTls: false, region: 'us-east-1', bucket };
  const secrets = { s3: { accessKey, secretKey }, passphrase: 'four words of chaos' };
  await api.post('/pools', { name: 'far', host, place: { ...place, prefix: '' }, secrets });
  const policy = { rule: { kind: 'fulls', count: 3 }, minimumFulls: 2 };
  for (const pool of ['near', 'far']) await api.post('/retention', { resource, pool, policy });
}
