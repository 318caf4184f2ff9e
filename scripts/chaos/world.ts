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
import type { SecondHost } from '../supervisor/second-host.ts';
import { openSecondHost } from '../supervisor/second-host.ts';
import type { Stack } from '../supervisor/stack.ts';
import { openStack } from '../supervisor/stack.ts';
import { giveToUnprivileged } from '../supervisor/unprivileged.ts';
import { Caller } from './caller.ts';
import { fillSource, proveFrozen, proveShop, stockDatabase } from './frozen.ts';
import type { Parts } from './parts.ts';
import { partsOf } from './parts.ts';
import type { PoolName } from './plan.ts';
import { endAllIn } from './processes.ts';
import type { PutCounter } from './put-counter.ts';
import { openPutCounter } from './put-counter.ts';
import { elsewhere } from './names.ts';
import { register } from './register.ts';
import type { Replaced } from './replaced.ts';
import { openReplaced } from './replaced.ts';
import { addressOf, connect } from './session.ts';
import type { Traffic } from './traffic.ts';
import { openTraffic } from './traffic.ts';

/** A whole Holdfast with a source under load, two pools, a second host and two instances to replace. */
export interface World {
  readonly stack: Stack;
  /** Everything that is killed. */
  readonly parts: Parts;
  readonly second: SecondHost;
  /** Restored in its place. */
  readonly place: Replaced;
  /** The marked target of drills. */
  readonly rehearsal: Replaced;
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
  readonly stock: readonly TableProof[];
  /** Aborts when somebody wants us to end. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

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
  const programs = [await providePostgres(18), await provideClientTools(18)].join(':');
  const opening = openStack({
    ...{ home: folder, signal },
    parts: ['catalog', 'temporal', 'minio', 'demo-instance', 'api', 'worker', 'agent'],
    instanceConfig: ['shared_buffers = 64MB', 'max_wal_size = 1GB', 'fsync = off', 'summarize_wal = on'],
    env: { HOLDFAST_POSTGRES_BIN: programs },
  }).then((stack) => {
    undo.push(() => stack.close());
    return stack;
  });
  const replacing = Promise.all([openReplaced('place', folder), openReplaced('rehearsal', folder)]);
  // Why both: what still starts when a neighbour fails would otherwise start after the others were stopped.
  await Promise.allSettled([opening, replacing]);
  const [stack, [place, rehearsal]] = [await opening, await replacing];
  undo.push(
    () => place.close(),
    () => rehearsal.close(),
  );
  const { instance, apiUrl, adminTokenPath, minio, temporalAddress } = stack.places;
  if (instance === undefined) throw bug('the stage has an instance');
  const counter = await openPutCounter(minio.port);
  undo.push(() => counter.close());
  const api = new Caller(apiUrl, adminTokenPath, signal);
  const second = await openSecondHost({
    ...{ name: elsewhere, folder, apiUrl, temporalAddress, ports: [counter.port] },
    env: { HOLDFAST_POSTGRES_BIN: programs, TMPDIR: temporary },
    makeToken: async () =>
      (await api.post<{ token: string }>('/hosts/enrolment-tokens', { hostName: elsewhere })).token,
  });
  undo.push(() => second.stop());
  const sql = await connect(addressOf(instance));
  undo.push(() => sql.end().catch(() => undefined));
  await fillSource(addressOf(instance), sql);
  const traffic = await openTraffic(addressOf(instance));
  undo.push(() => traffic.close().catch(() => undefined));
  const far = await viewBucket({ ...minio, bucket });
  const near = viewLocalPool(openFolder(join(folder, 'near', 'pool')));
  const base = { stack, api, signal, source: instance, sql, folder, temporary, traffic, counter, pools: { near, far } };
  await register({ stack, api, source: instance, folder, counter, place, rehearsal }, bucket);
  const contents = {
    frozen: await proveFrozen(sql),
    shop: await proveShop(addressOf(instance)),
    stock: await proveShop(addressOf(instance), stockDatabase),
  };
  const copies = openFolder(join(folder, 'copies'));
  return { ...base, ...contents, copies, second, place, rehearsal, parts: partsOf(stack, second), close };
}
