import { expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { catalogOid } from '#core/engine/catalog-oids.ts';
import { quoted } from '#core/transfer/names.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import { readNeeds } from '#agent/transfer/read-database.ts';
import { readInventory } from '#agent/transfer/read-inventory.ts';
import { schemaDependentsOf } from '#agent/transfer/schema-facts.ts';
import { dependentsOf } from '#agent/transfer/table-facts.ts';
import { instanceAccess } from '#tests/support/backup.ts';
import { canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const home = 'A "home"\n;';
const h = quoted(home);
const furnish = [
  `create schema ${h}`,
  `create table ${h}.a (id int primary key, note text)`,
  `create function ${h}.is_good(int) returns boolean immutable language sql as 'select $1 > 0'`,
  `create index a_good on ${h}.a (${h}.is_good(id))`,
  `alter table ${h}.a add constraint good check (${h}.is_good(id))`,
  `create view ${h}.v as select * from ${h}.a`,
];

/** The questions that are asked of a server before something of it is replaced. */
async function proveFacts(instance: InstanceAccess): Promise<void> {
  const session = await openSession(instance);
  try {
    for (const [name, oid] of Object.entries(catalogOid)) {
      const row = await session.queryOne('select relname::text as name from pg_class where oid = $1::oid', [oid]);
      expect(textOf(row, 'name').replace(/^sys_/, 'pg_')).toBe(name);
    }
    for (const one of furnish) await session.query(one);
    expect(await schemaDependentsOf(session, home)).toEqual([]);
    expect(await dependentsOf(session, [{ schema: home, table: 'a' }])).toEqual([expect.stringMatching(/^view .*v$/s)]);
    await session.query(`create table public.outside (n int, constraint good check (${h}.is_good(n)))`);
    expect(await schemaDependentsOf(session, home)).toEqual(['constraint good on table public.outside']);
    await session.query(`alter table public.outside add column word text default ${h}.is_good(1)::text`);
    expect(await schemaDependentsOf(session, home)).toEqual(['default in public.outside']);
    const { objects } = await readInventory(session, { schema: home });
    expect(objects).toEqual(expect.arrayContaining(['table a', 'index a_good', 'view v']));
    expect((await readNeeds(session)).roles.length).toBeGreaterThan(0);
  } finally {
    await session.close();
  }
}

test('K-108 what depends on a schema of any name is found on PostgreSQL 18', async () => {
  const postgres = await openPostgres({ major: 18 });
  try {
    await proveFacts(await instanceAccess(postgres));
  } finally {
    await postgres.close();
  }
});

test.runIf(canShimKingbase)('K-108 K-013 what depends on a schema of any name is found on KingbaseES', async () => {
  const kingbase = await openKingbase({ mode: 'oracle' });
  try {
    await proveFacts(await kingbase.instance());
  } finally {
    await kingbase.close();
  }
});
