import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import type { LogicalRestoreOrder } from '#core/transfer/order.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { fingerprint, openTransferStage, shop } from '#tests/support/transfer-stage.ts';

describe(`a logical set of PostgreSQL ${String(platformMajor)}`, () => {
  let stage: TransferStage;
  let whole: unknown;
  let set: LogicalRestoreOrder['setId'];

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', 'create role shop_owner', 'create role shop_reader');
    await stage.sql('postgres', 'create database app owner shop_owner', 'create database other');
    await stage.sql('postgres', 'grant connect on database app to shop_reader');
    await stage.sql('app', ...shop);
    whole = await stage.sql('app', fingerprint);
    set = await stage.logicalSet('app');
  });
  afterAll(() => stage.close());

  test('K-101 K-108 a database comes back with sequences, large objects, partitions, generated columns and row security', async () => {
    const before = await stage.databases();
    const rights = await stage.sql(
      'postgres',
      `select datacl::text[] as rights from pg_database where datname = 'app'`,
    );
    await stage.sql('app', 'drop schema shop cascade', 'select lo_unlink(oid) from pg_largeobject_metadata');
    const order = stage.logicalOrder(set, { databases: [{ database: 'app', as: 'app' }], dropsOld: true });
    const report = await stage.restoreLogical(order);
    expect(report).toMatchObject({ placed: [{ kind: 'database', name: 'app' }], failures: [] });
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    expect(await stage.databases()).toEqual(before);
    expect(
      await stage.sql('postgres', `select datacl::text[] as rights from pg_database where datname = 'app'`),
    ).toEqual(rights);
    expect(await stage.restoreLogical(order)).toEqual(report);
  });

  test('K-101 K-108 a table comes back over the live one or beside it, the rest of the database stays as it is', async () => {
    await stage.sql('app', 'truncate shop.events', 'insert into shop.orders (customer, net) values ($$new$$, 1)');
    const events = { database: 'app', schema: 'shop', table: 'events', as: 'events' };
    const order = stage.logicalOrder(set, { tables: [events] });
    const { placed } = await stage.restoreLogical(order);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.events')).toEqual([{ n: 400 }]);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.orders')).toEqual([{ n: 201 }]);
    await stage.settle('confirm', order, placed);
    await stage.restoreLogical(stage.logicalOrder(set, { tables: [{ ...events, table: 'items', as: 'items_then' }] }));
    expect(await stage.sql('app', 'select count(*)::int as n from shop.items_then')).toEqual([{ n: 500 }]);
    expect(
      await stage.sql('app', `select nspname::text as name from pg_namespace where nspname like 'holdfast%'`),
    ).toEqual([]);
    expect((await stage.databases()).filter((name) => name.startsWith('holdfast'))).toEqual([]);
  });

  test('K-101 K-108 a schema comes back over the live one by rename, unless something outside depends on it', async () => {
    await stage.sql('app', 'truncate shop.items', 'create view outside as select * from shop.orders');
    const shopOf = { schemas: [{ database: 'app', schema: 'shop', as: 'shop' }] };
    await expect(stage.restoreLogical(stage.logicalOrder(set, shopOf))).rejects.toMatchObject({
      code: 'transfer_schema_depends',
      params: { dependents: 'view public.outside' },
    });
    await stage.sql(
      'app',
      'drop view outside',
      "create function shop.is_good(int) returns boolean immutable language sql as 'select $1 > 0'",
      'create table outside (n int, constraint good check (shop.is_good(n)))',
    );
    await expect(stage.restoreLogical(stage.logicalOrder(set, shopOf))).rejects.toMatchObject({
      code: 'transfer_schema_depends',
      params: { dependents: 'constraint good on table public.outside' },
    });
    await stage.sql('app', 'drop table outside', 'drop function shop.is_good(int)');
    const order = stage.logicalOrder(set, shopOf);
    const { placed } = await stage.restoreLogical(order);
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    await stage.settle('undo', order, placed);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.items')).toEqual([{ n: 0 }]);
    const again = stage.logicalOrder(set, { ...shopOf, dropsOld: true });
    const [placedAgain] = (await stage.restoreLogical(again)).placed;
    expect(placedAgain).toMatchObject({ kind: 'schema', database: 'app', name: 'shop' });
    expect(placedAgain).not.toHaveProperty('keptAs');
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    await stage.sql(
      'app',
      `do $$ begin execute (select 'drop schema ' || quote_ident(nspname) || ' cascade' from pg_namespace where nspname like 'shop_undone%'); end $$`,
    );
  });

  test('K-072 K-101 a set of one table of a schema comes back by itself, and never takes the place of the schema', async () => {
    await stage.sql(
      'app',
      'create schema lone',
      'create table lone.one as select 1 as n',
      'create table lone.more (n int)',
    );
    const one = { database: 'app', schema: 'lone', table: 'one' };
    const part = await stage.logicalSet({ ...wholeDatabase('app'), tables: [{ schema: 'lone', table: 'one' }] });
    await stage.restoreLogical(stage.logicalOrder(part, { tables: [{ ...one, as: 'one_then' }] }));
    expect(await stage.sql('app', 'select n from lone.one_then')).toEqual([{ n: 1 }]);
    const over = { schemas: [{ database: 'app', schema: 'lone', as: 'lone' }], dropsOld: true };
    await expect(stage.restoreLogical(stage.logicalOrder(part, over))).rejects.toMatchObject({
      code: 'transfer_part_over_schema',
    });
    expect(await stage.sql('app', 'select to_regclass($$lone.more$$)::text as name')).toEqual([{ name: 'lone.more' }]);
    await stage.sql('app', 'drop schema lone cascade');
  });

  test('K-101 what a role set for itself in a database is never run as SQL', async () => {
    const words = 'public;alter/**/role/**/shop_reader/**/superuser;--';
    await stage.sql(
      'app',
      'set role shop_reader',
      `select set_config('search_path', '${words}', false)`,
      'alter role shop_reader in database app set search_path from current',
    );
    const set = await stage.logicalSet('app');
    await stage.sql('postgres', 'alter role shop_reader in database app reset search_path');
    await stage.restoreLogical(stage.logicalOrder(set, { databases: [{ database: 'app', as: 'app_set' }] }));
    const found = await stage.sql(
      'postgres',
      `select r.rolsuper, s.setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole`,
    );
    expect(found).toEqual([{ rolsuper: false, setconfig: [`search_path="${words}"`] }]);
    await stage.sql('postgres', 'drop database app_set');
  });

  test('K-118 what the target lacks is refused before anything is made, and a cancel leaves nothing', async () => {
    const before = await stage.databases();
    await stage.sql('postgres', 'create role passing');
    await stage.sql('app', 'alter table shop.events owner to passing');
    const other = await stage.logicalSet('app');
    await stage.sql('app', 'alter table shop.events owner to postgres');
    await stage.sql('postgres', 'drop role passing');
    const task = { databases: [{ database: 'app', as: 'app then' }] };
    await expect(stage.restoreLogical(stage.logicalOrder(other, task))).rejects.toMatchObject({
      code: 'transfer_roles_missing',
      params: { roles: 'passing' },
    });
    await expect(
      stage.restoreLogical(stage.logicalOrder(set, { databases: [{ database: 'gone', as: 'gone' }] })),
    ).rejects.toMatchObject({ code: 'transfer_database_unknown' });
    const stopping = new AbortController();
    const ended = stage.restoreLogical(stage.logicalOrder(set, task), {
      signal: stopping.signal,
      report: ({ phase }) => {
        if (phase === 'post-data') stopping.abort(fail('cancelled', { what: 'the run' }));
      },
    });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    expect(await stage.databases()).toEqual(before);
  });

  test('K-101 K-118 every table that is refused is told of, definitions first, and nothing is put into place', async () => {
    const bad = ['a', 'c', 'd', 'e'];
    await stage.sql('postgres', 'create database half');
    await stage.sql(
      'half',
      `create function is_home() returns boolean language sql as $$ select current_database() = 'half' $$`,
      ...bad.map((name) => `create table ${name} as select g as n from generate_series(1, 9) g`),
      ...bad.map((name) => `alter table ${name} add constraint home check (is_home())`),
      'create table b as select 1 as n',
    );
    const before = await stage.databases();
    const restored = stage.restoreLogical(
      stage.logicalOrder(await stage.logicalSet('half'), { databases: [{ database: 'half', as: 'half then' }] }),
    );
    await expect(restored).rejects.toMatchObject({
      code: 'transfer_incomplete',
      params: { count: '4', tables: '5', failures: expect.stringMatching(/("[acde]".*23514.*){4}/s) as string },
    });
    expect(await stage.databases()).toEqual(before);
    await stage.sql('postgres', 'drop database half');
  });

  test('K-050 K-101 a set without a table comes back without the sequences that belong to its columns', async () => {
    await stage.sql('postgres', 'create database most');
    await stage.sql(
      'most',
      'create table kept (id int generated always as identity, n serial)',
      'create table gone (id int generated always as identity, n serial)',
      'insert into gone default values',
    );
    const some = { ...wholeDatabase('most'), excludeTables: [{ schema: 'public', table: 'gone' }] };
    const order = stage.logicalOrder(await stage.logicalSet(some), { databases: [{ database: 'most', as: 'then' }] });
    expect(await stage.restoreLogical(order)).toMatchObject({ failures: [], tables: 1 });
    await stage.sql('postgres', 'drop database most', 'drop database "then"');
  });
});
