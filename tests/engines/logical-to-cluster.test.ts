import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { askAll } from '#tests/support/ask-all.ts';
import { instanceAccess } from '#tests/support/backup.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby } from '#tests/support/standby.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { openTransferStage } from '#tests/support/transfer-stage.ts';

const major = 15;
let stage: TransferStage;
let primary: Postgres;
let standby: Standby;
let order: Parameters<TransferStage['restoreLogical']>[0];

beforeAll(async () => {
  stage = await openTransferStage(major);
  await stage.sql('postgres', 'create database app');
  await stage.sql('app', 'create table ledger as select g as id, md5(g::text) as note from generate_series(1, 500) g');
  const set = await stage.logicalSet('app');
  primary = await openPostgres({ major });
  standby = await openStandby(primary);
  order = stage.logicalOrder(set, { databases: [{ database: 'app', as: 'app' }] });
});
afterAll(async () => {
  await standby.close();
  await primary.close();
  await stage.close();
});

const databasesOf = async (server: Standby | Postgres): Promise<unknown[]> =>
  (await server.sql('select datname::text as name from pg_database where not datistemplate order by 1')).map(
    ({ name }) => name,
  );

test('K-122 a logical set is refused on the standby of a cluster, with nothing made', async () => {
  const { dataDirectory, socketDirectory: socket } = standby;
  const instance = await instanceAccess(primary, { dataDirectory, socket });
  await expect(stage.restoreLogical({ ...order, instance })).rejects.toMatchObject({ code: 'transfer_target_standby' });
  expect(await databasesOf(standby)).toEqual(['postgres']);
});

test('K-093 K-122 a logical set of a single instance comes to the primary of another cluster, and to its standby from there', async () => {
  const instance = await instanceAccess(primary);
  const report = await stage.restoreLogical({ ...order, instance });
  expect(report).toMatchObject({ placed: [{ kind: 'database', name: 'app' }], failures: [] });
  const sum = `select md5(string_agg(id || note, ',' order by id)) as hash from ledger`;
  const original = await stage.sql('app', sum);
  const hasArrived = async (): Promise<boolean> => (await databasesOf(standby)).includes('app');
  expect(await waitFor(hasArrived, 30_000)).toBe(true);
  const onStandby = { ...primary.connection, host: standby.socketDirectory, database: 'app' };
  const isEqual = async (): Promise<boolean> => {
    const client = new pg.Client(onStandby);
    await client.connect();
    return isDeepStrictEqual(await askAll(client, [sum]).catch(() => undefined), original);
  };
  expect(await waitFor(isEqual, 30_000)).toBe(true);
});
