import { expect, test } from 'vitest';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major } from '#tests/support/postgres.ts';

test.each<Major>([12, 13, 14, 16, 17])(
  'K-047 K-048 PostgreSQL %i is backed up, then incrementally, and starts from each set alone',
  async (major) => {
    const postgres = await openPostgres({ major, archive: true });
    const bench = await openBackupBench();
    try {
      await postgres.sql('create table fact as select generate_series(1, 1000) n');
      const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
      const summary = await bench.takeFullBackup(order, bench.step(order));
      expect(Math.floor(summary.serverVersion / 10_000)).toBe(major);
      const copy = await materialise(bench, summary.setId, postgres);
      expect(await copy.sql('select sum(n)::int as sum from fact')).toEqual([{ sum: 500500 }]);
      await copy.close();
      await postgres.sql('insert into fact select generate_series(1001, 2000)');
      const next = incrementalOrder(bench, order.instance, { summary, wanted: 'differential' }, order.options);
      const incremental = await bench.takeFullBackup(next, bench.step(next));
      expect(incremental).toMatchObject({ type: 'differential', base: { setId: summary.setId } });
      const later = await materialise(bench, incremental.setId, postgres);
      expect(await later.sql('select sum(n)::int as sum from fact')).toEqual([{ sum: 2001000 }]);
      await later.close();
    } finally {
      bench.close();
      await postgres.close();
    }
  },
);
