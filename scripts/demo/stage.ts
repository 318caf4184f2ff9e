import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import pg from 'pg';
import { bug } from '#core/errors/fail.ts';
import type { EmbeddedPostgres } from '../supervisor/embedded-postgres.ts';
import type { Stack } from '../supervisor/stack.ts';
import { guardFolder } from '../supervisor/folder-guard.ts';
import { openStack } from '../supervisor/stack.ts';
import type { PartName } from '../supervisor/stack-parts.ts';
import { giveToUnprivileged } from '../supervisor/unprivileged.ts';
import { CheckBook } from './checks.ts';
import { HoldfastClient } from './holdfast-client.ts';
import { folderPrefix, markKept, reapLeftFolders, stopCopies } from './left-folders.ts';
import type { PoolView } from './pool-view.ts';
import { viewBucket, viewLocalPool } from './pool-view.ts';

export type PoolKind = 'local' | 's3';

export interface StageOptions {
  readonly pool: PoolKind;
  readonly major: 12 | 13 | 14 | 15 | 16 | 17 | 18;
  readonly dataMiB: number;
  readonly isKept: boolean;
  readonly sabotage: string | undefined;
  readonly say: (line: string) => void;
  /** Aborts when somebody wants the demo to end. */
  readonly signal: AbortSignal;
}

/** Everything a scene of the demo works with. */
export interface Stage {
  readonly options: StageOptions;
  readonly stack: Stack;
  readonly client: HoldfastClient;
  readonly source: EmbeddedPostgres;
  readonly sql: Client;
  readonly folder: string;
  readonly tablespaceDirectory: string;
  readonly poolView: PoolView;
  readonly checks: CheckBook;
  readonly timings: Record<string, number>;
  /** Names in the catalog. */
  readonly resource: string;
  readonly pool: string;
  /** Says that the demo failed: its folder stays, to be looked at. */
  keepFailed(): void;
  close(): Promise<void>;
}

const bucket = 'holdfast-demo';
const partsFor = (pool: PoolKind): PartName[] => [
  'catalog',
  'temporal',
  'demo-instance',
  'api',
  'worker',
  'agent',
  ...(pool === 's3' ? ['minio' as const] : []),
];

const openFolder = (folder: string, name: string): string => {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  giveToUnprivileged(path);
  return path;
};

interface DemoFolder {
  readonly folder: string;
  /** Removes it, unless it is to be kept. */
  readonly discard: () => void;
  /** From now on it is to be kept, because the demo failed in it; not one that was meant to fail. */
  readonly keepFailed: () => void;
}

/** A new folder, guarded so that neither it nor a process in it outlives us. */
async function makeDemoFolder({ isKept, sabotage }: StageOptions): Promise<DemoFolder> {
  const parent = realpathSync(tmpdir());
  await reapLeftFolders(parent);
  const folder = mkdtempSync(join(parent, folderPrefix));
  const guard = guardFolder(folder, isKept);
  chmodSync(folder, 0o755);
  if (isKept) markKept(folder);
  let hasFailed = false;
  return {
    folder,
    keepFailed: () => {
      if (isKept || hasFailed || sabotage !== undefined) return;
      hasFailed = true;
      markKept(folder);
      process.stderr.write(`The demo failed. What it left, with the logs of its servers, stays in ${folder}\n`);
    },
    discard: () => {
      if (!isKept && !hasFailed) rmSync(folder, { recursive: true, force: true });
      guard.release();
    },
  };
}

/** Why no autovacuum: its log, written in the middle of a backup, would count as bytes sent again. */
const configOf = (major: StageOptions['major']): string[] => [
  ...['shared_buffers = 128MB', 'max_wal_size = 1GB', 'autovacuum = off'],
  // The fastest way to know what changed, where the server has it.
  ...(major >= 17 ? ['summarize_wal = on'] : []),
];

/** Brings up the platform, enrols the agent, registers the instance and makes the pool. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { folder, discard, keepFailed } = await makeDemoFolder(options);
  const stack = await openStack({
    home: folder,
    parts: partsFor(options.pool),
    hasTemporalUi: true,
    hasClientTools: true,
    signal: options.signal,
    instanceMajor: options.major,
    instanceConfig: configOf(options.major),
  }).catch((error: unknown) => {
    if (!options.signal.aborted) keepFailed();
    discard();
    throw error;
  });
  const { instance, apiUrl, adminTokenPath } = stack.places;
  if (instance === undefined) throw bug('the demo has an instance');
  const sql = await instance.connect();
  const client = new HoldfastClient(apiUrl, adminTokenPath);
  const stage = {
    options,
    stack,
    client,
    source: instance,
    sql,
    folder,
    tablespaceDirectory: openFolder(folder, 'tablespace'),
    checks: new CheckBook(),
    timings: {},
    pool: 'demo-pool',
    keepFailed,
    close: async () => {
      await sql.end().catch(() => undefined);
      await stack.close();
      await stopCopies(folder);
      discard();
    },
  };
  try {
    const resource = await register(stage.client, instance);
    return { ...stage, resource, poolView: await makePool(stage.client, { stack, folder, kind: options.pool }) };
  } catch (error) {
    if (!options.signal.aborted) keepFailed();
    await stage.close();
    throw error;
  }
}

interface Listed {
  readonly data: readonly { readonly id: string; readonly name: string }[];
}

const firstHost = async (client: HoldfastClient): Promise<string> => {
  const [host] = (await client.get<Listed>('/hosts')).data;
  if (host === undefined) throw bug('the agent of the demo is enrolled');
  return host.id;
};

async function register(client: HoldfastClient, instance: EmbeddedPostgres): Promise<string> {
  const { dataDirectory, user, password } = instance;
  const host = await firstHost(client);
  const { name } = await client.post<{ name: string }>('/resources', { host, dataDirectory, name: 'demo' });
  await client.post(`/resources/${name}/login`, { user, password });
  await client.post(`/resources/${name}/preflight`);
  return name;
}

interface PoolWish {
  readonly stack: Stack;
  readonly folder: string;
  readonly kind: PoolKind;
}

async function makePool(client: HoldfastClient, { stack, folder, kind }: PoolWish): Promise<PoolView> {
  const host = await firstHost(client);
  if (kind === 'local') {
    const directory = join(folder, 'pool');
    await client.post('/pools', { name: 'demo-pool', host, place: { kind: 'local', directory } });
    return viewLocalPool(directory);
  }
  const { endPoint, port, accessKey, secretKey } = stack.places.minio;
  const view = await viewBucket({ endPoint, port, accessKey, secretKey, bucket });
  const place = { kind: 's3', endpoint: endPoint, port, isTls: false, region: 'us-east-1', bucket, prefix: '' };
  const passphrase = `demo ${readFileSync(join(folder, 'minio', 'secret'), 'utf8').trim()}`;
  await client.post('/pools', {
    name: 'demo-pool',
    host,
    place,
    secrets: { s3: { accessKey, secretKey }, passphrase },
  });
  return view;
}

/** A connection to a restored copy: same password, other socket. */
export async function connectCopy(stage: Stage, socket: string, port: number): Promise<Client> {
  const client = new pg.Client({
    host: socket,
    port,
    user: stage.source.user,
    password: stage.source.password,
    database: 'postgres',
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs a scene and keeps its wall time in seconds, by a name of its own: two of one name would be one figure. */
export async function timed<T>(stage: Stage, name: string, scene: () => Promise<T>): Promise<T> {
  if (stage.timings[name] !== undefined) throw bug(`two scenes of the demo are called ${name}`);
  const began = performance.now();
  const result = await scene();
  stage.timings[name] = Math.round(performance.now() - began) / 1000;
  stage.options.say(`  ${name} (${stage.timings[name].toFixed(1)} s)`);
  return result;
}
