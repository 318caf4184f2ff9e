import { expect, test } from 'vitest';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder, restoreFiles, startRestored } from '#tests/support/chain.ts';
import { openPostgres } from '#tests/support/postgres.ts';

// Without page checksums VACUUM marks a page of a table as all-visible without giving it an LSN (visibilitymap_set).
test('D-038 without checksums a page that only became all-visible is not passed over by a scan of page LSNs', async () => {
  const postgres = await openPostgres({ major: 15, archive: true, config: ['autovacuum = off'], hasChecksums: false });
  const bench = await openBackupBench();
  try {
    await postgres.sql('create table v as select g as id from generate_series(1, 20000) g');
    await postgres.sql('create index on v (id)');
    const options = { archiveDirectory: postgres.archiveDirectory };
    const access = await instanceAccess(postgres);
    const take = (order: ReturnType<typeof bench.order>) => bench.takeFullBackup(order, bench.step(order));
    const summary = await take(bench.order(access, options));
    await postgres.sql('vacuum v');
    await postgres.sql('checkpoint');
    const base = { summary, wanted: 'differential', source: 'page-lsn' } as const;
    const set = await take(incrementalOrder(bench, access, base, options));
    const restored = await startRestored(await restoreFiles(bench, set.setId, 'restored'), postgres);
    try {
      const client = await restored.connect();
      await client.query('delete from v where id % 2 = 0');
      await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
      const { rows } = await client.query('select count(*)::int as n from v where id > 0');
      await client.end();
      expect(rows).toEqual([{ n: 10_000 }]);
    } finally {
      await restored.close();
    }
  } finally {
    bench.close();
    await postgres.close();
  }
});
