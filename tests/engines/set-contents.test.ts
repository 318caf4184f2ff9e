import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { Contents, ContentsView } from '#core/contents/contents.ts';
import { lookIntoSet } from '#agent/sets/look-into-set.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let bench: BackupBench;
let instance: InstanceAccess;
let earlier: SetSummary;
let later: SetSummary;
let orders: string;

const full = (): Promise<SetSummary> => {
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  return bench.takeFullBackup(order, bench.step(order));
};

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  instance = await instanceAccess(postgres);
  await postgres.sql('create table orders as select generate_series(1, 200000) n');
  await postgres.sql('create table gone as select generate_series(1, 50000) n');
  const [row] = await postgres.sql("select pg_relation_filepath('orders') as path");
  orders = String(row?.['path']);
  earlier = await full();
  await postgres.sql('update orders set n = n where n = 7');
  await postgres.sql('drop table gone');
  await postgres.sql('create table fresh as select generate_series(1, 50000) n');
  later = await full();
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

async function look(view: ContentsView, access?: InstanceAccess): Promise<Contents> {
  const pool = await bench.openPool();
  const asked = { kind: 'set-contents' as const, pool: bench.pool, setId: later.setId, view };
  try {
    return await lookIntoSet(pool, access === undefined ? asked : { ...asked, instance: access });
  } finally {
    await pool.close();
  }
}

test('the files of a set add up to its size, and what is stored of them to its pieces', async () => {
  const list = await look({ of: 'files', prefix: '', after: '', limit: 1000 });
  expect(list).toMatchObject({ total: { files: later.fileCount, sizeBytes: later.rawBytes } });
  if (list.of !== 'files') return;
  // The framing of small bundles is no file's own; rounding is half a byte for each file.
  expect(list.total.storedBytes / later.storedBytes).toBeCloseTo(1, 2);
  const one = await look({ of: 'files', prefix: orders, after: '', limit: 10 });
  expect(one).toMatchObject({ files: expect.arrayContaining([expect.objectContaining({ path: orders })]) as unknown });
});

test('tables are named by the running instance, and without it shown by their paths with the reason', async () => {
  const named = await look({ of: 'tables', limit: 1000 }, instance);
  const table = named.of === 'tables' ? named.tables.find(({ path }) => path === orders) : undefined;
  expect(table).toMatchObject({ name: 'postgres.public.orders', files: expect.any(Number) as number });
  expect(named).toMatchObject({ naming: expect.stringContaining('now') as string });
  const bare = await look({ of: 'tables', limit: 1000 });
  expect(bare).toMatchObject({ naming: expect.stringContaining('no names') as string });
  const away = await look({ of: 'tables', limit: 5 }, { ...instance, port: 1 });
  expect(away).toMatchObject({ naming: expect.stringMatching(/no names: .*cannot be reached|no names: /) as string });
  if (away.of === 'tables') expect(away.tables).toHaveLength(5);
});

test('the difference of two sets names what was added, removed and changed, with bytes', async () => {
  const difference = await look({ of: 'diff', earlier: earlier.setId, limit: 1000 });
  if (difference.of !== 'diff') return;
  const changed = difference.files.find(({ path }) => path === orders);
  expect(changed).toMatchObject({ change: 'changed' });
  expect(difference.files.filter(({ change }) => change === 'added').length).toBe(difference.added);
  expect(difference.removed).toBeGreaterThan(0);
  expect(difference.unchanged).toBeGreaterThan(500);
  const same = await look({ of: 'diff', earlier: later.setId, limit: 10 });
  expect(same).toMatchObject({ added: 0, removed: 0, changed: 0, changedBytes: 0 });
});
