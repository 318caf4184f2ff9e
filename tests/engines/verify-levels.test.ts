import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { Checked } from '#agent/verify/check.ts';
import { openCheckRunner } from '#agent/verify/check-runner.ts';
import { checksOf } from '#agent/verify/checks-of-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let bench: BackupBench;
let instance: InstanceAccess;
let order: OrderOf<'full-backup'>;
let full: SetSummary;
let incremental: SetSummary;
let damaged: { readonly path: string; readonly block: number };

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'] });
  bench = await openBackupBench({ passphrase: 'four words of a pool' });
  instance = await instanceAccess(postgres);
  await postgres.sql(`create table ledger as select g as id, md5(g::text) as word from generate_series(1, 20000) g`);
  await postgres.sql(`create table rotten as select g as id, md5(g::text) as word from generate_series(1, 2000) g`);
  await postgres.sql('checkpoint');
  damaged = await rot();
  // Not compressed: more than is worth threads of its own.
  const options = { archiveDirectory: postgres.archiveDirectory, compression: { mode: 'none' as const } };
  order = bench.order(instance, options);
  full = await bench.takeFullBackup(order, bench.step(order));
  await postgres.sql(`update ledger set word = 'changed' where id % 7 = 0`);
  const next = bench.order(instance, options);
  const base = { summary: full, wanted: 'differential' as const, source: 'page-lsn' as const };
  incremental = await bench.takeFullBackup({ ...next, base }, bench.step(next));
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

/** Changes one byte of the second page of a table behind the server's back. */
async function rot(): Promise<{ readonly path: string; readonly block: number }> {
  const [row] = await postgres.sql(`select pg_relation_filepath('rotten') as path`);
  const path = String(row?.['path']);
  const fd = openSync(join(postgres.dataDirectory, path), 'r+');
  const at = 8192 + 5000;
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 8]), 0, 1, at);
  closeSync(fd);
  return { path, block: 1 };
}

const step = (changes: Partial<StepContext> = {}): StepContext => bench.step(order, changes);

test('D-002 pages of a full and of an incremental are right, on threads as on the thread that asks', async () => {
  const pool = await bench.openPool();
  for (const { setId, type } of [full, incremental]) {
    const here = await verifySet(pool, setId, 'page', step());
    const onThreads = await verifySet({ ...pool, access: bench.pool }, setId, 'page', step());
    expect(onThreads, type).toEqual(here);
    expect(here, type).toMatchObject({ depth: 'page', damage: [] });
    // Each table page of the set and of what it needs of its base, catalogs included.
    expect(here.pages, type).toBeGreaterThan(1500);
  }
  expect((await verifySet(pool, full.setId, 'full', step())).pages).toBeUndefined();
  await pool.close();
});

test('K-047 a page that was damaged in the source is named by the set and is no damage of the pool; unnamed it is found, by block', async () => {
  const pool = await bench.openPool();
  const { meta, keys } = await openSet(pool, full.setId);
  expect(meta.damagedPages).toEqual([damaged]);
  expect(await verifySet(pool, full.setId, 'page', step())).toMatchObject({ damage: [] });
  const checks = checksOf([{ keys, meta: { ...meta, damagedPages: [] } }], true).flatMap(({ pieces }) => pieces);
  const runner = openCheckRunner(pool, step(), 0);
  const found: Checked['damage'][number][] = [];
  await runner.run(checks, ({ damage }) => void found.push(...damage));
  expect(found.map(({ what }) => what)).toEqual([
    expect.stringMatching(new RegExp(`^page_damaged_in_set: Block 1 of ${damaged.path} has a wrong page checksum`)),
  ]);
  await pool.close();
});

test('a verification on threads stops when it is cancelled, and says so', async () => {
  const pool = await bench.openPool();
  const abort = new AbortController();
  const report = (): void => {
    abort.abort();
  };
  const verified = verifySet(
    { ...pool, access: bench.pool },
    full.setId,
    'full',
    step({ signal: abort.signal, report }),
  );
  await expect(verified).rejects.toMatchObject({ code: 'cancelled' });
  await pool.close();
});
