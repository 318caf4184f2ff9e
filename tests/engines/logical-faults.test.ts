import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { DatabaseSelection } from '#core/logical/selection.ts';
import { bug } from '#core/errors/fail.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import { findTool } from '#agent/logical/find-tool.ts';
import { lookAtTree } from '#agent/logical/look-at-tree.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { LogicalBench } from '#tests/support/logical.ts';
import { openLogicalBench } from '#tests/support/logical.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let bench: BackupBench;
let logical: LogicalBench;
let instance: InstanceAccess;

beforeAll(async () => {
  postgres = await openPostgres({ major: 18 });
  bench = await openBackupBench();
  logical = await openLogicalBench(bench);
  instance = await instanceAccess(postgres);
  await postgres.sql(`create role reader login password 'reader'`);
  await postgres.sql('create table open_table as select g as id from generate_series(1, 100) g');
  await postgres.sql('create table secret (id int)');
  await postgres.sql('create table guarded as select 1 as id');
  await postgres.sql('alter table guarded enable row level security');
  await postgres.sql('grant select on open_table, guarded to reader');
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

const objects = async (): Promise<readonly string[]> => {
  const pool = await bench.openPool();
  const found: string[] = [];
  for await (const { key } of pool.store.list('logical/')) found.push(key);
  await pool.close();
  return found;
};
const chosen = (changes: Partial<DatabaseSelection> = {}) => ({
  of: 'chosen' as const,
  databases: [{ ...wholeDatabase('postgres'), ...changes }],
});
const tables = (...names: readonly string[]) => names.map((table) => ({ schema: 'public', table }));
const asReader = (): InstanceAccess => ({
  ...instance,
  login: { user: 'reader', password: 'reader', database: 'postgres' },
});

test('K-050 what may not be read, is filtered or not there is named before anything is stored', async () => {
  const denied = logical.take(logical.order(asReader(), chosen()));
  await expect(denied).rejects.toMatchObject({
    code: 'logical_denied',
    params: { first: 'public.secret', count: '1' },
  });
  const filtered = logical.take(logical.order(asReader(), chosen({ excludeTables: tables('secret') })));
  await expect(filtered).rejects.toMatchObject({ code: 'logical_row_security', params: { first: 'public.guarded' } });
  const missing = logical.take(
    logical.order(instance, chosen({ schemas: ['gone'], tables: tables('open_table', 'lost') })),
  );
  await expect(missing).rejects.toMatchObject({
    code: 'logical_selection_missing',
    params: { names: 'schema gone, table public.lost' },
  });
  const nowhere = { of: 'chosen' as const, databases: [wholeDatabase('nowhere')] };
  await expect(logical.take(logical.order(instance, nowhere))).rejects.toMatchObject({
    code: 'logical_database_missing',
  });
  const other = logical.order({ ...instance, systemId: '7' });
  await expect(logical.take(other)).rejects.toMatchObject({ code: 'system_id_mismatch' });
  expect(await objects()).toEqual([]);
});

test('K-050 a login that reads only what is chosen can back it up', async () => {
  const set = await logical.take(logical.order(asReader(), chosen({ tables: tables('open_table') })));
  expect(set).toMatchObject({ tableCount: 1, rowCount: 100 });
});

test('K-050 a dump tool that is missing or older than the server is refused before the run', async () => {
  const [profile, major] = [engineProfile('postgresql'), 18];
  const old = join(bench.folder, 'old');
  mkdirSync(old);
  writeFileSync(join(old, 'other_dump'), '#!/bin/sh\necho "other_dump (PostgreSQL) 16.14"\n');
  chmodSync(join(old, 'other_dump'), 0o755);
  const find = (tool: string) => findTool({ profile, tool, major, preferred: [old] });
  await expect(find('other_dump')).rejects.toMatchObject({ code: 'dump_tool_too_old', params: { newest: '16' } });
  await expect(find('no_dump')).rejects.toMatchObject({ code: 'dump_tool_missing' });
  const both = [await provideClientTools(18), await provideClientTools(16)];
  const found = await findTool({ profile, tool: 'pg_dump', major: 15, preferred: both });
  expect(found.major).toBeLessThanOrEqual(16);
});

test('K-050 a table that somebody alters holds the backup up for the lock time, then it is named', async () => {
  const other = await postgres.connect();
  await other.query('begin');
  await other.query('lock table open_table in access exclusive mode');
  const order = logical.order(instance, chosen());
  const waiting = logical.take({ ...order, logical: { ...order.logical, lockWaitSeconds: 1 } });
  await expect(waiting).rejects.toMatchObject({ code: 'logical_lock_waited', params: { table: 'public.open_table' } });
  await other.query('rollback');
  await other.end();
});

test('K-050 a table that is dropped between the snapshot and its lock is named, and no set is made', async () => {
  await postgres.sql('create table passing (id int)');
  const other = await postgres.connect();
  await other.query('begin');
  await other.query('drop table passing');
  const order = logical.order(instance, chosen());
  const taking = logical.take(order);
  const ended = expect(taking).rejects.toMatchObject({
    code: 'logical_table_gone',
    params: { table: 'public.passing' },
  });
  const waiting = `select count(*)::int as n from pg_stat_activity where application_name = 'holdfast' and wait_event_type = 'Lock'`;
  await until(async () => ((await postgres.sql(waiting))[0]?.['n'] as number) > 0);
  await other.query('commit');
  await other.end();
  await ended;
  expect((await objects()).filter((key) => key.endsWith(`${order.setId}/meta`))).toEqual([]);
});

test('K-050 a table that is emptied and filled again while its lock is waited for is backed up with the rows it has then', async () => {
  await postgres.sql('create table reloaded as select g as id from generate_series(1, 100) g');
  const other = await postgres.connect();
  await other.query('begin');
  await other.query('truncate reloaded');
  await other.query('insert into reloaded values (1), (2), (3)');
  const taking = logical.take(logical.order(instance, chosen({ tables: tables('reloaded', 'open_table') })));
  const waiting = `select count(*)::int as n from pg_stat_activity where application_name = 'holdfast' and wait_event_type = 'Lock'`;
  await until(async () => ((await postgres.sql(waiting))[0]?.['n'] as number) > 0);
  await other.query('commit');
  await other.query('begin');
  await other.query('alter table reloaded alter column id type bigint');
  await other.query('commit');
  await other.end();
  expect(await taking).toMatchObject({ tableCount: 2, rowCount: 103 });
  await postgres.sql('drop table reloaded');
});

test('K-084 a session that is cut ends the attempt; the next begins anew and nothing of the first is left', async () => {
  const order = logical.order(instance, chosen(), { limits: { diskBytesPerSecond: 1 } });
  const control = { isSlow: true };
  const limits = () => (control.isSlow ? { diskBytesPerSecond: 1 } : {});
  const taking = logical.take(order, { limits });
  const ended = expect(taking).rejects.toMatchObject({ code: 'session_lost' });
  const cut = `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
    where application_name = 'holdfast' and state like 'idle in transaction%'`;
  await until(async () => ((await postgres.sql(cut))[0]?.['n'] as number) > 0);
  await ended;
  control.isSlow = false;
  const set = await logical.take(order, { limits });
  const attempts = (await objects()).filter((key) => key.includes(set.setId) && key.includes('/try_'));
  expect(attempts.every((key) => key.includes(set.attemptId))).toBe(true);
  expect(await logical.take(order)).toEqual(set);
});

test('K-084 a cancelled backup leaves no session and no set', async () => {
  const control = new AbortController();
  const order = logical.order(instance, chosen());
  let isPaused = false;
  const taking = logical.take(order, {
    signal: control.signal,
    limits: () => ({ isPaused }),
    // Why not from the beginning: a paused run does not look into its pool, and so comes to no session.
    report: () => {
      isPaused = true;
    },
  });
  const ended = expect(taking).rejects.toMatchObject({ code: 'cancelled' });
  const sessions = `select count(*)::int as n from pg_stat_activity where application_name = 'holdfast'`;
  await until(async () => ((await postgres.sql(sessions))[0]?.['n'] as number) > 0);
  control.abort();
  await ended;
  await until(async () => (await postgres.sql(sessions))[0]?.['n'] === 0);
  expect((await objects()).filter((key) => key.endsWith(`${order.setId}/meta`))).toEqual([]);
});

test('K-050 the content tree answers while a table is being altered', async () => {
  const other = await postgres.connect();
  await other.query('begin');
  await other.query('lock table secret in access exclusive mode');
  const view = { of: 'tables' as const, database: 'postgres', schema: 'public', after: '', limit: 10 };
  expect((await lookAtTree({ kind: 'content-tree', instance, view })).nodes).toHaveLength(3);
  await other.query('rollback');
  await other.end();
});

test('K-050 the content tree shows databases, schemas and tables page by page with their sizes', async () => {
  const look = (view: Parameters<typeof lookAtTree>[0]['view']) => lookAtTree({ kind: 'content-tree', instance, view });
  const databases = await look({ of: 'databases', after: '', limit: 10 });
  expect(databases).toMatchObject({ nodes: [{ name: 'postgres', kind: 'database' }], hasMore: false });
  const schemas = await look({ of: 'schemas', database: 'postgres', after: '', limit: 10 });
  expect(schemas.nodes).toMatchObject([{ name: 'public', kind: 'schema', tableCount: 3 }]);
  const first = await look({ of: 'tables', database: 'postgres', schema: 'public', after: '', limit: 2 });
  expect(first.nodes.map(({ name }) => name)).toEqual(['guarded', 'open_table']);
  expect(first.hasMore).toBe(true);
  const rest = await look({ of: 'tables', database: 'postgres', schema: 'public', after: 'open_table', limit: 2 });
  expect(rest).toMatchObject({ nodes: [{ name: 'secret', kind: 'table' }], hasMore: false });
});

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw bug('it did not happen within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
