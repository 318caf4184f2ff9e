import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { begunScratches } from '#agent/scratch/scratch-base.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { fingerprint, openTransferStage, shop } from '#tests/support/transfer-stage.ts';

describe(`databases and tables of PostgreSQL ${String(platformMajor)}`, () => {
  let stage: TransferStage;
  let whole: unknown;
  let other: unknown;

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', 'create role shop_owner', 'create role shop_reader');
    await stage.sql('postgres', 'create database app owner shop_owner', 'create database other');
    await stage.sql('postgres', `alter database app set search_path to "$user", shop, public`);
    await stage.sql(
      'postgres',
      'revoke connect on database app from public',
      'grant connect on database app to shop_reader',
    );
    await stage.sql('postgres', `comment on database app is 'orders of the shop'`);
    await stage.sql('app', ...shop);
    await stage.sql('other', 'create table kept as select g from generate_series(1, 50) g');
    await stage.backUp();
    whole = await stage.sql('app', fingerprint);
    await stage.sql('other', 'insert into kept select g from generate_series(51, 99) g');
    other = await rowsOfOther();
  });
  afterAll(() => stage.close());

  const rowsOfOther = () =>
    stage.sql('other', 'select count(*)::int as n, md5(string_agg(g::text, $$,$$ order by g)) as hash from kept');
  const expectNothingLeft = async (): Promise<void> => {
    expect(begunScratches({ home: stage.bench.home })).toEqual([]);
    expect(readdirSync(join(stage.bench.home, 'scratch'))).toEqual([]);
    expect((await stage.databases()).filter((name) => name.startsWith('holdfast_tmp_'))).toEqual([]);
    expect(await stage.sql('app', `select nspname from pg_namespace where nspname like 'holdfast_tmp%'`)).toEqual([]);
  };

  test('K-108 a database goes back to the point, its rights and settings too, and no other database is touched', async () => {
    await stage.sql(
      'app',
      'delete from shop.items where id > 10',
      'drop table shop.events',
      'select lo_unlink(oid) from pg_largeobject_metadata',
    );
    const changed = await stage.sql('app', 'select count(*)::int as n from shop.items');
    const order = stage.order({ databases: [{ database: 'app', as: 'app' }] });
    const report = await stage.recover(order);
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    expect(await rowsOfOther()).toEqual(other);
    const [kept] = report.placed;
    if (kept?.kind !== 'database' || kept.keptAs === undefined) throw bug('nothing was kept');
    expect(await stage.sql(kept.keptAs, 'select count(*)::int as n from shop.items')).toEqual(changed);
    expect(
      await stage.sql(
        'app',
        `select rolname::text as owner, datacl::text like '%shop_reader=c%' as can_read, datconnlimit as most, shobj_description(d.oid, 'pg_database') as comment,
                current_setting('search_path') as path from pg_database d join pg_roles r on r.oid = datdba where datname = 'app'`,
      ),
    ).toEqual([
      {
        owner: 'shop_owner',
        ...{ can_read: true, most: -1, comment: 'orders of the shop' },
        path: '"$user", shop, public',
      },
    ]);
    await expectNothingLeft();
    // The answer may be lost: it is told again, and nothing is done twice.
    expect(await stage.recover(order)).toEqual(report);

    const undone = await stage.settle('undo', order, report.placed);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.items')).toEqual(changed);
    expect(undone.setAside).toHaveLength(1);
    expect(await stage.settle('undo', order, report.placed)).toEqual(undone);
    for (const name of undone.setAside) await stage.sql('postgres', `drop database "${name}"`);
  });

  test('a database under a new name stands beside the live one, and a confirmed recovery leaves no other', async () => {
    const before = await stage.databases();
    const beside = stage.order({ databases: [{ database: 'app', as: 'app then' }] });
    expect((await stage.recover(beside)).placed).toMatchObject([{ kind: 'database', name: 'app then' }]);
    expect(await stage.sql('app then', fingerprint)).toEqual(whole);
    await stage.sql('postgres', 'drop database "app then"');
    const order = stage.order({ databases: [{ database: 'app', as: 'app' }] });
    const { placed } = await stage.recover(order);
    const { dropped } = await stage.settle('confirm', order, placed);
    expect(dropped).toHaveLength(1);
    expect(await stage.databases()).toEqual(before);
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    await expectNothingLeft();
  });

  test('tables go back in one transaction, or stand beside the live ones under a new name', async () => {
    await stage.sql(
      'app',
      'delete from shop.events where at < date $$2026-01-01$$',
      'insert into shop.orders (customer, net) values ($$new$$, 1)',
    );
    const events = { database: 'app', schema: 'shop', table: 'events' };
    const order = stage.order({ tables: [{ ...events, as: 'events' }] });
    const { placed } = await stage.recover(order);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.events')).toEqual([{ n: 400 }]);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.orders')).toEqual([{ n: 201 }]);
    await stage.settle('undo', order, placed);
    const [{ n } = { n: 0 }] = await stage.sql('app', 'select count(*)::int as n from shop.events');
    expect(n).toBeLessThan(400);

    const beside = stage.order({ tables: [{ database: 'app', schema: 'shop', table: 'orders', as: 'orders_then' }] });
    await stage.recover(beside);
    expect(await stage.sql('app', 'select count(*)::int as n, max(id) as last from shop.orders_then')).toEqual([
      { n: 200, last: 200 },
    ]);
    expect(await stage.sql('app', 'select count(*)::int as n from shop.orders')).toEqual([{ n: 201 }]);
    await expectNothingLeft();
  });

  test('what cannot be done is refused before anything live is touched', async () => {
    const before = await stage.databases();
    const replaced = { databases: [{ database: 'app', as: 'app' }] };
    const orders = { database: 'app', schema: 'shop', table: 'orders', as: 'orders' };
    await expect(stage.recover(stage.order({ tables: [orders] }))).rejects.toThrow(
      /^Table shop.orders cannot be replaced or dropped: foreign key items_order_id_fkey.*totals depend on it/,
    );
    await expect(
      stage.recover(
        stage.order({ databases: ['app', 'other', 'postgres'].map((database) => ({ database, as: database })) }),
      ),
    ).rejects.toMatchObject({ code: 'transfer_all_databases' });
    await expect(stage.recover(stage.order({ databases: [{ database: 'gone', as: 'gone' }] }))).rejects.toMatchObject({
      code: 'transfer_database_unknown',
    });
    await expect(stage.recover(stage.order({ databases: [{ database: 'app', as: 'other' }] }))).rejects.toMatchObject({
      code: 'transfer_name_taken',
    });
    const client = await stage.postgres.connect('app');
    await expect(stage.recover(stage.order(replaced))).rejects.toMatchObject({ code: 'transfer_in_use' });
    await stage.recover(stage.order({ ...replaced, endsSessions: true, dropsOld: true }));
    await client.end().catch(() => undefined);
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    expect(await stage.databases()).toEqual(before);
    await expectNothingLeft();
  });

  test('a recovery that is cancelled in the middle leaves the original as it was and nothing behind', async () => {
    const before = await stage.databases();
    const stopping = new AbortController();
    const order = stage.order({ databases: [{ database: 'app', as: 'app' }] });
    const ended = stage.recover(order, {
      signal: stopping.signal,
      report: ({ phase }) => {
        if (phase === 'transfer') stopping.abort(fail('cancelled', { what: 'the run' }));
      },
    });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    expect(await stage.databases()).toEqual(before);
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    await expectNothingLeft();
  });
});
