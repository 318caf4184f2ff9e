import { existsSync, openSync, readFileSync, readdirSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { RateLimits } from '#core/run/rate.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { acknowledgedByKilled } from '#tests/support/killed-backup.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';

const mebibyte = 1_048_576;
let postgres: Postgres;
let access: InstanceAccess;
let bench: BackupBench;

/** 40 MiB that do not compress, so that a backup lasts and has several pieces. */
const noise = `insert into noise select g, (select string_agg(decode(md5(random()::text || g || i), 'hex'), '') from generate_series(1, 64) i) from generate_series(1, 40000) g`;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'] });
  await postgres.sql('create table noise (n int, body bytea)');
  await postgres.sql('alter table noise alter column body set storage external');
  await postgres.sql(noise);
  await postgres.sql('checkpoint');
  access = await instanceAccess(postgres);
});
afterAll(async () => {
  await postgres.close();
});
beforeEach(async () => {
  bench = await openBackupBench();
});
afterEach(() => {
  bench.close();
});

const newOrder = (limits: RateLimits = {}, instance: InstanceAccess = access): OrderOf<'full-backup'> =>
  bench.order(instance, { archiveDirectory: postgres.archiveDirectory, limits });
const hasMeta = (order: OrderOf<'full-backup'>): boolean =>
  existsSync(join(bench.folder, 'pool', 'sets', order.setId, 'meta'));
const sessions = (): Promise<Record<string, unknown>[]> =>
  postgres.sql(`select pid from pg_stat_activity where application_name = 'holdfast'`);
const slow = { transferBytesPerSecond: 8 * mebibyte };

/** Raw bytes of a set that the killed attempt had stored, and those of them that were stored once more. */
function bytesByOrigin({ meta }: OpenSet, killed: string | undefined, acknowledged: ReadonlyMap<string, number>) {
  let reusedBytes = 0;
  let againBytes = 0;
  for (const member of meta.members) {
    let from = 0;
    for (const { frame, length, hash } of member.kind === 'file' ? member.extents : []) {
      const attempt = meta.pieces[meta.frames[frame]?.pieceIndex ?? -1]?.attempt;
      if (attempt === killed) reusedBytes += length;
      else if (acknowledged.has(`${member.path} ${String(from)} ${hash}`)) againBytes += length;
      from += length;
    }
  }
  return { reusedBytes, againBytes };
}

test('a lost session fails the attempt as session_lost and the next attempt finishes the same set', async () => {
  const order = newOrder(slow);
  let isTerminated = false;
  const report = ({ phase, piecesDone }: { phase: string; piecesDone: number }): void => {
    if (phase !== 'copy' || piecesDone < 1 || isTerminated) return;
    isTerminated = true;
    void postgres.sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'`);
  };
  const attempt = bench.takeFullBackup(order, bench.step(order, { report, limits: () => slow }));
  await expect(attempt).rejects.toMatchObject({ code: 'session_lost', class: 'unavailable' });
  expect(hasMeta(order)).toBe(false);
  expect(readFileSync(postgres.logPath, 'utf8')).toMatch(/aborting backup due to backend exiting/);
  const summary = await bench.takeFullBackup(order, bench.step(order));
  expect(summary.setId).toBe(order.setId);
  expect(hasMeta(order)).toBe(true);
});

test('a cancelled backup leaves no committed set and no session in backup mode', async () => {
  const order = newOrder(slow);
  const control = new AbortController();
  const report = ({ piecesDone }: { piecesDone: number }): void => {
    if (piecesDone >= 1) control.abort();
  };
  const attempt = bench.takeFullBackup(
    order,
    bench.step(order, { report, signal: control.signal, limits: () => slow }),
  );
  await expect(attempt).rejects.toMatchObject({ code: 'cancelled' });
  expect(hasMeta(order)).toBe(false);
  await expect.poll(sessions).toEqual([]);
});

test('K-084 a backup whose run was given up before its commit commits nothing and leaves no session', async () => {
  const order = newOrder();
  const demandOpen = (): Promise<void> => Promise.reject(fail('run_over', { run: order.runId }));
  const attempt = bench.takeFullBackup(order, { ...bench.step(order), demandOpen });
  await expect(attempt).rejects.toMatchObject({ code: 'run_over' });
  expect(hasMeta(order)).toBe(false);
  await expect.poll(sessions).toEqual([]);
});

test('a backup cancelled while it waits for a checkpoint ends at once', async () => {
  await postgres.sql('update noise set n = n + 1 where n % 50 = 0');
  const order = bench.order(access, { archiveDirectory: postgres.archiveDirectory, isFastCheckpoint: false });
  const control = new AbortController();
  const attempt = bench
    .takeFullBackup(order, bench.step(order, { signal: control.signal }))
    .catch((error: unknown) => error);
  const waiting = `select wait_event from pg_stat_activity where application_name = 'holdfast' and wait_event like 'Checkpoint%'`;
  await expect.poll(() => postgres.sql(waiting), { timeout: 20_000 }).toHaveLength(1);
  control.abort();
  expect(await attempt).toMatchObject({ code: 'cancelled' });
  expect(hasMeta(order)).toBe(false);
  await expect.poll(sessions, { timeout: 20_000 }).toEqual([]);
});

test('a backup killed in the middle finishes the same set and sends nothing acknowledged again', async () => {
  const order = newOrder(slow);
  const acknowledged = await acknowledgedByKilled(bench.home, order);
  expect(hasMeta(order)).toBe(false);
  expect(acknowledged.length).toBeGreaterThanOrEqual(2);
  await expect.poll(sessions).toEqual([]);

  await bench.takeFullBackup(order, bench.step(order));
  const pool = await bench.openPool();
  const set = await openSet(pool, order.setId);
  const still = new Map(
    acknowledged.flatMap(({ extents }) =>
      extents.map((e) => [`${e.path} ${String(e.from)} ${e.hash}`, e.length] as const),
    ),
  );
  const { reusedBytes, againBytes } = bytesByOrigin(set, acknowledged[0]?.piece.attempt, still);
  expect(againBytes).toBe(0);
  const wasAcknowledged = [...still.values()].reduce((sum, length) => sum + length, 0);
  expect(wasAcknowledged).toBeGreaterThan(4 * mebibyte);
  expect(reusedBytes).toBe(wasAcknowledged);
  expect(await verifySet(pool, order.setId, 'full', bench.step(order))).toMatchObject({ damage: [] });
  const copy = await materialise(bench, order.setId, postgres);
  expect(await copy.sql('select count(*)::int as n from noise')).toEqual([{ n: 40000 }]);
  await copy.close();
});

test('a call repeated after the commit answers the committed set and writes nothing', async () => {
  const order = newOrder();
  const first = await bench.takeFullBackup(order, bench.step(order));
  const objects = readdirSync(join(bench.folder, 'pool', 'sets', order.setId), { recursive: true });
  expect(await bench.takeFullBackup(order, bench.step(order))).toEqual(first);
  expect(readdirSync(join(bench.folder, 'pool', 'sets', order.setId), { recursive: true })).toEqual(objects);
});

test('one run is worked on once at a time', async () => {
  const order = newOrder(slow);
  const control = new AbortController();
  let second: Promise<unknown> = Promise.resolve();
  const report = ({ phase }: { phase: string }): void => {
    if (phase !== 'copy' || control.signal.aborted) return;
    second = bench.takeFullBackup(order, bench.step(order)).catch((error: unknown) => error);
    control.abort();
  };
  await expect(
    bench.takeFullBackup(order, bench.step(order, { report, signal: control.signal })),
  ).rejects.toMatchObject({ code: 'cancelled' });
  expect(await second).toMatchObject({ code: 'run_locked', class: 'unavailable' });
});

test('damaged pages are named by file and block and the set is committed with a warning', async () => {
  const [row] = await postgres.sql(`select pg_relation_filepath('noise') as path`);
  const path = String(row?.['path']);
  await postgres.stop();
  const file = openSync(join(postgres.dataDirectory, path), 'r+');
  writeSync(file, Buffer.from('damage'), 0, 6, 3 * 8192 + 4000);
  closeSync(file);
  await postgres.start();
  const order = newOrder();
  const summary = await bench.takeFullBackup(order, bench.step(order));
  expect(summary.warnings).toEqual([{ code: 'page_damaged', detail: `${path}: page checksum wrong in block 3` }]);
  const set = await openSet(await bench.openPool(), order.setId);
  expect(set.meta.damagedPages).toEqual([{ path, block: 3 }]);
});
