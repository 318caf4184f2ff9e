import { expect, test } from 'vitest';
import type { NamesPlace } from '#core/agent/order.ts';
import type { WantedName } from '#core/contents/wanted-names.ts';
import { lookForNames } from '#agent/contents/look-for-names.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const names = (database: string, schema?: string, table?: string): WantedName => ({
  database,
  ...(schema === undefined ? {} : { schema }),
  ...(table === undefined ? {} : { table }),
});
const shop = 'Läden "Nord"';

test.each([12, 15, 18] as const)(
  'K-108 the names that a set of files of PostgreSQL %s holds are read from its own catalogs',
  async (major) => {
    const postgres = await openPostgres({ major, archive: true });
    const bench = await openBackupBench();
    try {
      await postgres.sql(`create database "Läden ""Nord"""`);
      await postgres.sql('create schema sales');
      await postgres.sql('create table sales.orders (id int primary key)');
      // Their files get other numbers than those they were made with.
      for (const catalog of ['pg_namespace', 'pg_class', 'pg_database'])
        await postgres.sql(`vacuum full pg_catalog.${catalog}`);
      const instance = await instanceAccess(postgres);
      const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
      const { setId } = await bench.takeFullBackup(order, bench.step(order));
      await postgres.sql('drop table sales.orders');
      await postgres.sql('create table sales.later (id int)');
      const look = async (where: NamesPlace, ...wanted: readonly WantedName[]) =>
        lookForNames({ kind: 'names', where, wanted });
      const asked = [
        ...[names(shop), names('postgres', 'sales'), names('postgres', 'sales', 'orders')],
        ...[names('postgres', 'sales', 'later'), names('postgres', 'sales', 'orders_pkey')],
        ...[names('Laden'), names('postgres', 'sale'), names(shop, 'public')],
      ];
      const inSet = await look({ in: 'set', pool: bench.pool, setId }, ...asked);
      expect(inSet.isKnown).toBe(true);
      expect(inSet.absent.map(({ of, wanted }) => [of, wanted.table ?? wanted.schema ?? wanted.database])).toEqual([
        ['table', 'later'],
        ['table', 'orders_pkey'],
        ['database', 'Laden'],
        ['schema', 'sale'],
      ]);
      expect(inSet.absent[3]?.near).toEqual(['sales']);
      const live = await look({ in: 'instance', instance }, ...asked);
      expect(live.absent.map(({ of, wanted }) => [of, wanted.table ?? wanted.schema ?? wanted.database])).toEqual([
        ['table', 'orders'],
        ['table', 'orders_pkey'],
        ['database', 'Laden'],
        ['schema', 'sale'],
      ]);
    } finally {
      bench.close();
      await postgres.close();
    }
  },
);
