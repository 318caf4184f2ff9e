import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '#agent/pools/open-store.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { Line } from '../support/line.ts';
import { openLine } from '../support/line.ts';
import type { LiveAgent } from '../support/live-agent.ts';
import { fillWithNoise, openLiveAgent, sessionsAt } from '../support/live-agent.ts';
import type { Minio } from '../support/minio.ts';
import { openMinio } from '../support/minio.ts';
import type { Orchestra } from '../support/orchestra.ts';
import { eventually, newId, openOrchestra } from '../support/orchestra.ts';
import { engineTitle, openSpare } from '../support/platform-instance.ts';
import type { Postgres } from '../support/postgres.ts';
import { temporalAddress } from '../support/temporal.ts';

let orchestra: Orchestra;
let postgres: Postgres;
let folder: Folder;
let minio: Minio;
let line: Line;
beforeAll(async () => {
  orchestra = openOrchestra(await temporalAddress());
  folder = openFolder('hf-lost-');
  postgres = await openSpare();
  await fillWithNoise(postgres, 12);
  minio = await openMinio();
  line = await openLine(minio.port);
});
afterAll(async () => {
  await postgres.close();
  await orchestra.close();
  await line.close();
  await minio.close();
  folder.remove();
});

/** The reconnect time of these runs, in minutes: seconds, so that a test can outlast it. Operators give 1 to 60. */
const reconnectMinutes = 0.1;

const s3Pool = (port: number): PoolAccess => {
  const bucket = { isTls: false, region: 'us-east-1', bucket: 'lost', prefix: '' };
  const { endPoint: endpoint, accessKey, secretKey } = minio;
  const place = { kind: 's3', endpoint, port, ...bucket } as const;
  return { poolId: newId('pool'), name: 'pool behind a line', place, secrets: { s3: { accessKey, secretKey } } };
};

async function keysOf(pool: PoolAccess, prefix: string): Promise<readonly string[]> {
  const store = openStore(pool);
  const keys: string[] = [];
  try {
    for await (const { key } of store.list(prefix)) keys.push(key);
  } finally {
    await store.close();
  }
  return keys;
}

/** Neither a set nor a session is left of a run that lost its pool, and the server is out of backup mode. */
async function expectClean(ticket: RunTicket, keys: readonly string[]): Promise<void> {
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({ state: 'failed', code: 'pool_lost' });
  expect(keys.some((key) => key.endsWith('/meta'))).toBe(false);
  await eventually(async () => (await sessionsAt(postgres)).length === 0);
  expect(existsSync(join(postgres.dataDirectory, 'backup_label'))).toBe(false);
}

test(`K-084 a pool that stays away longer than the reconnect time fails the run by name, with source and pool clean: ${engineTitle}`, async () => {
  const direct = s3Pool(minio.port);
  const pool = { ...s3Pool(line.port), poolId: direct.poolId };
  const live = await openLiveAgent({ orchestra, postgres, folder: join(folder.path, 's3'), pool });
  const ticket = await live.backup({}, { reconnectMinutes });
  const handle = await orchestra.start(ticket);
  const prefix = `sets/${ticket.setId ?? ''}/`;
  await eventually(async () => (await keysOf(direct, `${prefix}try_`)).length > 2);
  const [session] = await sessionsAt(postgres);
  await line.cut('refused');
  // Longer than quick retries last: the session is still there because the step has patience.
  await pause(5000);
  expect(await sessionsAt(postgres)).toEqual([session]);
  await expect(handle.result()).rejects.toThrow();
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({
    params: { pool: 'pool behind a line', minutes: '0.1' },
  });
  await expectClean(ticket, await keysOf(direct, prefix));
  await line.mend();
  const next = await live.backup({ limits: {} }, { reconnectMinutes });
  expect(await (await orchestra.start(next)).result()).toMatchObject({ state: 'succeeded' });
  await live.close();
});

test(`K-084 a local pool whose file system goes away for a while is waited for, and nothing is written beside it meanwhile: ${engineTitle}`, async () => {
  const directory = join(folder.path, 'mounted');
  const pool: PoolAccess = { poolId: newId('pool'), name: 'mounted', place: { kind: 'local', directory }, secrets: {} };
  const live: LiveAgent = await openLiveAgent({ orchestra, postgres, folder: join(folder.path, 'local'), pool });
  const ticket = await live.backup({}, { reconnectMinutes: 1 });
  const handle = await orchestra.start(ticket);
  const set = join('sets', ticket.setId ?? '');
  await eventually(() => existsSync(join(directory, set)));
  const [session] = await sessionsAt(postgres);
  renameSync(directory, `${directory}.away`);
  await pause(8000);
  expect(existsSync(directory)).toBe(false);
  expect(await sessionsAt(postgres)).toEqual([session]);
  expect(live.lines().join('\n')).toContain('pool mounted does not answer; waiting for it, 1 min at most');
  renameSync(`${directory}.away`, directory);
  expect(await handle.result()).toMatchObject({ state: 'succeeded' });
  expect(existsSync(join(directory, set, 'meta'))).toBe(true);
  await live.close();
});
