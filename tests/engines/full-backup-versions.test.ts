import { expect, test } from 'vitest';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major } from '#tests/support/postgres.ts';

test.each<Major>([12, 13, 14, 16, 17])(
  'K-047 PostgreSQL %i is backed up and starts from the set alone',
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
    } finally {
      bench.close();
      await postgres.close();
    }
  },
);
