import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { openTransferStage } from '#tests/support/transfer-stage.ts';

let stage: TransferStage;
beforeAll(async () => {
  stage = await openTransferStage(18);
  await stage.sql('postgres', 'create database odd');
  await stage.sql('postgres', 'create database bare');
  await stage.sql(
    'odd',
    'drop schema public cascade',
    'create schema public',
    'create table t as select g as n from generate_series(1, 10) g',
    'create materialized view recent as select * from t',
    'insert into t values (11), (12)',
    'create table orders (id int, at date, primary key (id, at)) partition by range (at)',
    "create table orders_1 partition of orders for values from ('2026-01-01') to ('2026-02-01')",
    "create table orders_2 partition of orders for values from ('2026-02-01') to ('2026-03-01')",
    'create table items (id int, at date, foreign key (id, at) references orders)',
    'alter table orders detach partition orders_1',
    'drop table orders_1',
  );
  await stage.sql('bare', 'drop schema public cascade', 'create schema own', 'create table own.t as select 1 as n');
  await stage.sql('postgres', 'alter database odd set default_transaction_read_only = on');
  await stage.backUp();
});
afterAll(() => stage.close());

const inPlace = (database: string) => ({ databases: [{ database, as: database }], endsSessions: true });

test('K-108 a database with a stale view, a schema public made anew and keys to a table that lost a partition goes back', async () => {
  await stage.recover(stage.order(inPlace('odd')));
  const rows = 'select (select count(*)::int from t) as t, (select count(*)::int from recent) as recent';
  expect(await stage.sql('odd', rows)).toEqual([{ t: 12, recent: 12 }]);
});

test('K-108 tables come back from a database whose sessions only read by default', async () => {
  const tables = [{ database: 'odd', schema: 'public', table: 't', as: 't_then' }];
  await stage.recover(stage.order({ tables }));
  expect(await stage.sql('odd', 'select count(*)::int as n from t_then')).toEqual([{ n: 12 }]);
});

test('K-108 a database without a schema public comes back without one', async () => {
  await stage.recover(stage.order(inPlace('bare')));
  const schemas = "select nspname::text as name from pg_namespace where nspname in ('public', 'own')";
  expect(await stage.sql('bare', schemas)).toEqual([{ name: 'own' }]);
});
