import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bug, fail } from '#core/errors/fail.ts';
import type { LogicalRestoreOrder } from '#core/transfer/order.ts';
import type { Placed } from '#core/transfer/task.ts';
import { newTestId } from '#tests/support/backup.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { fingerprint, openTransferStage, shop } from '#tests/support/transfer-stage.ts';

describe(`what a swap replaced in PostgreSQL ${String(platformMajor)}`, () => {
  let stage: TransferStage;
  let whole: unknown;
  let set: LogicalRestoreOrder['setId'];

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', 'create role shop_owner', 'create role shop_reader');
    await stage.sql('postgres', 'create database app owner shop_owner');
    await stage.sql('app', ...shop, 'create schema two', 'create table two.items (id int primary key)');
    whole = await stage.sql('app', fingerprint);
    set = await stage.logicalSet('app');
  });
  afterAll(() => stage.close());

  const database = { databases: [{ database: 'app', as: 'app' }] };
  const items = { database: 'app', schema: 'shop', table: 'items', as: 'items' };
  const loseSessions = async (): Promise<void> => {
    await stage.sql(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'holdfast%' and datname = 'postgres'`,
    );
  };
  const placedOf = (order: LogicalRestoreOrder): readonly Placed[] => {
    const told = stage.told.get(order.runId);
    if (told === undefined) throw bug('the catalog heard nothing');
    return told.placed;
  };

  test('K-108 a run that is lost right after its swap can be undone, for the catalog heard of it before', async () => {
    await stage.sql('app', 'create table since (n int)');
    const before = await stage.databases();
    const order = stage.logicalOrder(set, database);
    const lost = stage.restoreLogical(order, {}, ({ isSwapped }) => {
      if (isSwapped) throw fail('api_unreachable', { url: 'the API' });
    });
    await expect(lost).rejects.toMatchObject({ code: 'api_unreachable' });
    expect(stage.told.get(order.runId)).toMatchObject({ isSwapped: false });
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
    const undone = await stage.settle('undo', order, placedOf(order));
    expect(undone).toMatchObject({ putBack: ['app'] });
    expect(await stage.sql('app', 'select to_regclass($$since$$)::text as name')).toEqual([{ name: 'since' }]);
    const dropped = { dropped: undone.setAside };
    expect(await stage.settle('discard', order, placedOf(order))).toMatchObject(dropped);
    expect(await stage.databases()).toEqual(before);
    expect(await stage.settle('discard', order, placedOf(order))).toMatchObject({ dropped: [] });
  });

  test('K-108 what only looks like unfinished work is left alone, and what a dead run left is dropped', async () => {
    await stage.sql('postgres', 'create database holdfast_tmp_mine');
    await stage.sql('app', 'create schema holdfast_tmp_mine');
    const lines: string[] = [];
    const log = ({ message }: { readonly message: string }): void => void lines.push(message);
    const dying = stage.logicalOrder(set, { tables: [items] });
    // An agent that loses its session can tidy nothing; rows wait until it is lost.
    const cut = { begun: undefined as Promise<void> | undefined, isDone: false };
    const lost = stage.restoreLogical(dying, {
      report: ({ phase }) => {
        if (phase === 'post-data') cut.begun ??= loseSessions().then(() => void (cut.isDone = true));
      },
      limits: () => ({ isPaused: cut.begun !== undefined && !cut.isDone }),
    });
    await expect(lost).rejects.toMatchObject({ code: 'session_lost' });
    expect((await stage.databases()).filter((name) => name.startsWith('holdfast_tmp_'))).toHaveLength(2);
    const order = stage.logicalOrder(set, { databases: [{ database: 'app', as: 'app then' }] });
    await stage.restoreLogical(order, { log });
    expect(lines).toContainEqual(expect.stringContaining('holdfast_tmp_mine was made by no run of this host'));
    expect((await stage.databases()).filter((name) => name.startsWith('holdfast_'))).toEqual(['holdfast_tmp_mine']);
    await stage.sql('postgres', 'drop database holdfast_tmp_mine', 'drop database "app then"');
    await stage.sql('app', 'drop schema holdfast_tmp_mine');
  });

  test('K-118 settings, limit, rights and locale of a database come back, and roles that only have settings in it are needed', async () => {
    const rules = platformMajor >= 16 ? ` icu_rules '&a < b'` : '';
    await stage.sql(
      'postgres',
      `create database folk template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'de'${rules} connection limit 7`,
      'create role tuned',
      `alter role tuned in database folk set work_mem to '8MB'`,
      `alter database folk set search_path to "$user", shop`,
      'revoke connect on database folk from public',
      'grant connect on database folk to shop_reader with grant option',
    );
    const facts = async (name: string): Promise<unknown> =>
      stage.sql(
        'postgres',
        `select to_jsonb(d) - 'oid' - 'datname' - 'datfrozenxid' - 'datminmxid' as facts, datacl::text as rights,
                (select json_agg(json_build_array(setrole::regrole::text, setconfig) order by 1) from pg_db_role_setting where setdatabase = d.oid) as settings
           from pg_database d where datname = '${name}'`,
      );
    const before = await facts('folk');
    const other = await stage.logicalSet('folk');
    const order = stage.logicalOrder(other, { databases: [{ database: 'folk', as: 'folk then' }] });
    await stage.restoreLogical(order);
    expect(await facts('folk then')).toEqual(before);
    await stage.sql('postgres', 'drop role tuned', 'drop database "folk then"');
    await expect(stage.restoreLogical({ ...order, runId: newTestId('run') })).rejects.toMatchObject({
      code: 'transfer_roles_missing',
      params: { roles: 'tuned' },
    });
    await stage.sql('postgres', 'drop database folk');
  });

  test('K-108 a run that was refused its swap changed nothing, and neither undo nor confirm of it does', async () => {
    const before = await stage.databases();
    const order = stage.logicalOrder(set, database);
    let planned: readonly Placed[] = [];
    const refused = stage.restoreLogical(order, {}, ({ placed }) => {
      if (placed.length > 0) planned = placed;
      throw fail('order_refused', { run: order.runId, host: order.hostId });
    });
    await expect(refused).rejects.toMatchObject({ code: 'order_refused' });
    expect(planned).toHaveLength(1);
    expect(await stage.databases()).toEqual(before);
    await expect(stage.settle('confirm', order, planned)).rejects.toMatchObject({ code: 'transfer_kept_moved' });
    expect(await stage.settle('undo', order, planned)).toMatchObject({ putBack: [], setAside: [] });
    expect(await stage.databases()).toEqual(before);
  });

  test('K-108 a database that somebody else made under the name is never taken for the recovered one', async () => {
    const order = stage.logicalOrder(set, database);
    const { placed } = await stage.restoreLogical(order);
    await stage.sql('postgres', 'alter database app rename to mine', 'create database app');
    await expect(stage.settle('undo', order, placed)).rejects.toMatchObject({ code: 'transfer_place_taken' });
    const [{ keptAs } = { keptAs: '' }] = placed.filter((one) => one.kind === 'database');
    await stage.sql(
      'postgres',
      `alter database "${keptAs ?? ''}" rename to aside`,
      `create database "${keptAs ?? ''}"`,
    );
    const before = await stage.databases();
    await expect(stage.settle('undo', order, placed)).rejects.toMatchObject({ code: 'transfer_kept_moved' });
    await expect(stage.settle('confirm', order, placed)).rejects.toMatchObject({ code: 'transfer_kept_moved' });
    expect(await stage.databases()).toEqual(before);
    await stage.sql('postgres', 'drop database app', 'alter database mine rename to app');
    await stage.sql('postgres', `drop database "${keptAs ?? ''}"`, `alter database aside rename to "${keptAs ?? ''}"`);
    expect(await stage.settle('confirm', order, placed)).toMatchObject({ dropped: [keptAs] });
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
  });

  test('K-108 what takes part in replication is named and not replaced', async () => {
    const table = stage.logicalOrder(set, { tables: [items] });
    const publications = [
      ['create publication news for table shop.items', 'publication news of shop.items'],
      ['create publication news for all tables', 'publication news for all tables'],
      ['create publication news for tables in schema shop', 'publication news for tables in schema shop'],
    ] as const;
    for (const [statement, objects] of publications) {
      await stage.sql('app', statement);
      await expect(stage.restoreLogical(table)).rejects.toMatchObject({
        code: 'transfer_replicated',
        params: { objects },
      });
      await stage.sql('app', 'drop publication news');
    }
    await stage.sql(
      'app',
      `create subscription news connection 'dbname=nowhere' publication news with (connect = false, slot_name = none)`,
    );
    await expect(stage.restoreLogical(stage.logicalOrder(set, database))).rejects.toMatchObject({
      code: 'transfer_replicated',
      params: { what: 'Database "app"', objects: 'subscription news' },
    });
    await stage.sql('app', 'drop subscription news');
  });

  test('K-108 a table that is kept or set aside holds no row of live ones, and what depends on a table since is named before an undo or confirm', async () => {
    const keysOf = `select conrelid::regclass::text as table, pg_get_constraintdef(oid) as key from pg_constraint
      where conname = 'items_order_id_fkey' order by 1`;
    const live = [{ table: 'shop.items', key: 'FOREIGN KEY (order_id) REFERENCES shop.orders(id)' }];
    expect(await stage.sql('app', keysOf)).toEqual(live);
    const order = stage.logicalOrder(set, { tables: [items, { ...items, schema: 'two' }] });
    const { placed } = await stage.restoreLogical(order);
    expect(await stage.sql('app', keysOf)).toEqual(live);
    await stage.sql('app', 'create view since as select * from shop.items');
    await expect(stage.settle('undo', order, placed)).rejects.toMatchObject({
      code: 'transfer_table_depends',
      params: { table: 'shop.items', dependents: 'view public.since' },
    });
    await stage.sql('app', 'drop view since');
    await stage.settle('undo', order, placed);
    expect(await stage.sql('app', keysOf)).toEqual(live);
    expect((await stage.settle('discard', order, placed)).dropped).toHaveLength(2);
    expect(await stage.sql('app', `select nspname from pg_namespace where nspname like 'holdfast%'`)).toEqual([]);

    const again = stage.logicalOrder(set, { tables: [items] });
    const report = await stage.restoreLogical(again);
    const [{ keptIn } = { keptIn: '' }] = report.placed.filter((one) => one.kind === 'table');
    await stage.sql('app', `create view since as select * from ${keptIn ?? ''}.items`);
    await expect(stage.settle('confirm', again, report.placed)).rejects.toMatchObject({
      code: 'transfer_table_depends',
      params: { dependents: 'view public.since' },
    });
    await stage.sql('app', 'drop view since');
    expect(await stage.settle('confirm', again, report.placed)).toMatchObject({
      dropped: [`app."${keptIn ?? ''}"."items"`],
    });
    expect(await stage.sql('app', fingerprint)).toEqual(whole);
  });
});
