import { expect, onTestFinished, test } from 'vitest';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder, restoreFiles, startRestored } from '#tests/support/chain.ts';
import { openPostgres } from '#tests/support/postgres.ts';

test('K-048 page LSNs leave nothing out of a database that was dropped and copied anew under its number', async () => {
  const postgres = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'] });
  const bench = await openBackupBench();
  onTestFinished(async () => {
    bench.close();
    await postgres.close();
  });
  const inside = async (database: string, text: string) => {
    const client = await postgres.connect(database);
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const makeApp = 'create database app oid 50000 template template_a strategy file_copy';
  await postgres.sql('create database template_a');
  await inside('template_a', "create table v as select g as id, 'template'::text as b from generate_series(1, 5000) g");
  await postgres.sql(makeApp);
  await inside('app', "update v set b = 'old'");
  await inside('app', 'vacuum full v');
  await inside('app', 'create table x as select 1');
  await inside('app', "insert into v select g, 'late' from generate_series(1, 10) g");
  const options = { archiveDirectory: postgres.archiveDirectory };
  const access = await instanceAccess(postgres);
  const take = (order: ReturnType<typeof bench.order>) => bench.takeFullBackup(order, bench.step(order));
  const summary = await take(bench.order(access, options));
  await postgres.sql('drop database app');
  await postgres.sql(makeApp);
  const count = 'select b, count(*)::int as n from v group by b order by b';
  const wanted = await inside('app', count);
  const base = { summary, wanted: 'differential', source: 'page-lsn' } as const;
  const set = await take(incrementalOrder(bench, access, base, options));
  expect(set).toMatchObject({ type: 'differential', base: { changedPages: 'page-lsn' } });
  const restored = await startRestored(await restoreFiles(bench, set.setId, 'restored'), postgres);
  onTestFinished(() => restored.close());
  const client = await restored.connect('app');
  onTestFinished(() => client.end());
  expect((await client.query(count)).rows).toEqual(wanted);
}, 120_000);
