import { expect, test } from 'vitest';
import { catalogOid } from '#core/engine/catalog-oids.ts';
import { openPostgres } from '#tests/support/postgres.ts';

test.each([12, 15, 18] as const)(
  'K-013 catalogs of PostgreSQL %s have the numbers that KingbaseES is asked with',
  async (major) => {
    const server = await openPostgres({ major });
    try {
      const names = Object.keys(catalogOid)
        .map((name) => `('${name}')`)
        .join(', ');
      const rows = await server.sql(
        `select name, ('pg_catalog.' || name)::regclass::oid::text as oid from (values ${names}) as v(name)`,
      );
      expect(Object.fromEntries(rows.map(({ name, oid }) => [name, oid]))).toEqual(catalogOid);
    } finally {
      await server.close();
    }
  },
);
