import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import { killInSwapWhen } from '#tests/support/kill-transfer.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { openTransferStage } from '#tests/support/transfer-stage.ts';

const furnish: readonly string[] = [
  'set check_function_bodies = off',
  'create schema shop',
  'create table shop.prices (v int)',
  'create table shop.owners (id int primary key)',
  'insert into shop.prices values (10)',
  `create function shop.total() returns bigint language sql stable as 'select sum(v) from shop.prices'`,
  `create function shop.filled() returns bigint language sql stable as 'select t from shop.a_total'`,
  `create function shop.rate(int) returns int immutable language plpgsql as 'begin return (select $1 * max(v) from shop.prices); end'`,
  `create materialized view shop.a_total as select shop.total() as t`,
  `create materialized view shop.b_by_name as select shop.filled() as t`,
  'create materialized view shop.y_base as select shop.total() as t',
  `create materialized view shop."x ""over" as select t from shop.y_base`,
  'create materialized view shop.empty as select 1 as t with no data',
  'create table shop.rated (n int, r int generated always as (shop.rate(n)) stored)',
  'insert into shop.rated values (2)',
  'create index rated_rate on shop.rated (shop.rate(n))',
  'create table shop.sometimes (n int)',
  'create materialized view shop.divided as select 1 / n as t from shop.sometimes',
  'alter materialized view shop.a_total owner to view_owner',
  'grant usage on schema shop to view_owner',
  'grant select on shop.prices to view_owner',
];
const live = ['update shop.prices set v = 99', 'refresh materialized view shop.a_total'];
const contents = `select (select t::int from shop.a_total) as total, (select t::int from shop.b_by_name) as by_name,
  (select t::int from shop."x ""over") as over_base, (select relispopulated from pg_class where oid = 'shop.empty'::regclass) as empty`;
const restored = [{ total: 10, by_name: 10, over_base: 10, empty: false }];
const inPlace = { schemas: [{ database: 'app', schema: 'shop', as: 'shop' }] };

const asleep = `select 1 from pg_stat_activity where wait_event = 'PgSleep' and query like 'refresh materialized view "shop"%'`;
const ofHoldfast = `select nspname::text as name from pg_namespace where nspname like 'holdfast_tmp%'`;

/** A function that stays live whatever is done with the schema. */
const outside = (body: string): readonly string[] => [
  `create or replace function public.outside() returns int language plpgsql as 'begin ${body.replaceAll("'", "''")}; end'`,
];

describe(`materialized views of what is put into place, in PostgreSQL ${String(platformMajor)}`, () => {
  let stage: TransferStage;

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', 'create role view_owner', 'create database app');
    await stage.sql('app', ...furnish);
  });
  afterAll(() => stage.close());

  const details = ({ warnings }: TransferReport): readonly string[] =>
    warnings.map(({ code, detail }) => `${code} ${detail}`);

  test('K-101 K-108 a schema that is restored has views of its own rows, whatever functions they read them by', async () => {
    const set = await stage.logicalSet('app');
    await stage.sql('app', ...live);
    const order = stage.logicalOrder(set, inPlace);
    const report = await stage.restoreLogical(order);
    expect(await stage.sql('app', contents)).toEqual(restored);
    expect(report.failures).toEqual([]);
    expect(details(report)).toEqual([
      expect.stringMatching(/^computed_beside_live .*: generated column rated\.r, index rated_rate\. /),
    ]);
    await stage.settle('undo', order, report.placed);
    expect(await stage.sql('app', 'select t::int from shop.a_total')).toEqual([{ t: 99 }]);
  });

  test('K-108 a schema that is recovered has views of its own rows', async () => {
    await stage.backUp();
    await stage.sql('app', 'update shop.prices set v = 10', 'refresh materialized view shop.a_total');
    const order = stage.order(inPlace);
    const report = await stage.recover(order);
    expect(await stage.sql('app', 'select t::int from shop.a_total')).toEqual([{ t: 99 }]);
    expect(report.failures).toEqual([]);
    await stage.settle('undo', order, report.placed);
  });

  test('K-108 K-084 an agent killed while it fills views leaves nothing that waits or is locked: the next attempt ends right', async () => {
    const weak = 'create materialized view shop.weak as select public.outside() as t';
    await stage.sql('app', ...outside('return 1'), weak);
    await stage.backUp();
    await stage.sql('app', ...outside('perform pg_sleep(3600); return 1'));
    const order = stage.order(inPlace);
    await killInSwapWhen(stage, order, async () => (await stage.sql('postgres', asleep)).length === 1);
    // The server has not noticed: it still fills the view, and holds what it locked.
    expect(await stage.sql('postgres', asleep)).toHaveLength(1);
    await stage.sql('app', ...outside('return 2'));
    const report = await stage.recover(order);
    expect(await stage.sql('postgres', asleep)).toEqual([]);
    expect(report.failures).toEqual([]);
    expect(await stage.sql('app', 'select t::int from shop.weak')).toEqual([{ t: 2 }]);
    await stage.settle('undo', order, report.placed);
    await stage.settle('discard', order, report.placed);
    await stage.sql('app', 'drop materialized view shop.weak');
    expect(await stage.sql('app', ofHoldfast)).toEqual([]);
  });

  test('K-101 a view that cannot be filled stays empty and is told of also after a lost agent, and what was replaced is kept', async () => {
    await stage.sql(
      'app',
      ...outside('return 1'),
      'create materialized view shop.weak as select public.outside() as t',
    );
    const set = await stage.logicalSet('app');
    await stage.sql('app', ...outside(`raise 'no rate today'`), ...live);
    const order = stage.logicalOrder(set, { ...inPlace, dropsOld: true });
    const lost = stage.restoreLogical(order, {}, ({ isSwapped }) => {
      if (isSwapped) throw fail('cancelled', { what: 'the catalog' });
    });
    await expect(lost).rejects.toMatchObject({ code: 'cancelled' });
    const report = await stage.restoreLogical(order);
    const failure = { object: 'MATERIALIZED VIEW "shop"."weak"', sqlState: 'P0001', message: 'no rate today' };
    expect(report.failures).toMatchObject([failure]);
    expect(report.warnings.map(({ code }) => code).sort()).toEqual([
      ...['computed_beside_live', 'old_not_dropped', 'statement_failed'],
    ]);
    await stage.settle('undo', order, report.placed);
    expect(await stage.sql('app', 'select t::int from shop.a_total')).toEqual([{ t: 99 }]);
  });

  test('K-101 a cancel ends a view that takes long, and nothing was swapped', async () => {
    await stage.sql('app', ...outside('return 1'));
    const set = await stage.logicalSet('app');
    await stage.sql('app', ...outside('perform pg_sleep(600); return 1'));
    const schemas = 'select oid::text, nspname::text from pg_namespace order by 1';
    const before = await stage.sql('app', schemas);
    const stop = new AbortController();
    const order = stage.logicalOrder(set, inPlace);
    const running = stage.restoreLogical(order, { signal: stop.signal });
    await expect.poll(() => stage.sql('postgres', asleep), { timeout: 60_000 }).toHaveLength(1);
    stop.abort(fail('cancelled', { what: 'the run' }));
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(await stage.sql('app', schemas)).toEqual(before);
    await stage.sql('app', ...outside('return 1'));
  });

  test('K-101 what still names the live schema by a text is told of when a schema gets a new name', async () => {
    const set = await stage.logicalSet('app');
    const beside = { schemas: [{ database: 'app', schema: 'shop', as: 'then' }] };
    const [told] = details(await stage.restoreLogical(stage.logicalOrder(set, beside)));
    expect(told).toMatch(/^text_names_live /);
    for (const one of [
      'function total',
      'materialized view a_total',
      'materialized view b_by_name',
      'index rated_rate',
    ])
      expect(told).toContain(one);
    expect(told).not.toContain('divided');
  });

  test('K-101 a table that is computed by functions that name live ones is told of, and a view by itself is none', async () => {
    const set = await stage.logicalSet('app');
    const one = (table: string) => ({ tables: [{ database: 'app', schema: 'shop', table, as: `${table}_then` }] });
    const [told] = details(await stage.restoreLogical(stage.logicalOrder(set, one('rated'))));
    expect(told).toMatch(/^computed_beside_live .*generated column rated\.r, index rated_rate/);
    await expect(stage.restoreLogical(stage.logicalOrder(set, one('a_total')))).rejects.toMatchObject({
      code: 'transfer_table_unknown',
    });
  });
});
