import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupOptions, InstanceAccess } from '#core/agent/order.ts';
import { checkLogin } from '#agent/database/login.ts';
import { discover } from '#agent/database/discover.ts';
import { preflight } from '#agent/database/preflight.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';

let postgres: Postgres;
let access: InstanceAccess;
let bench: BackupBench;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  access = await instanceAccess(postgres);
  bench = await openBackupBench();
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

/** Runs a backup that must be refused and proves that the pool is as it was. */
async function refusal(instance: InstanceAccess, options: Partial<BackupOptions> = {}): Promise<unknown> {
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory, ...options });
  const objects = (): string[] => readdirSync(join(bench.folder, 'pool'), { recursive: true, encoding: 'utf8' });
  const before = objects();
  const error = await bench.takeFullBackup(order, bench.step(order)).catch((refused: unknown) => refused);
  expect(objects()).toEqual(before);
  return error;
}

test('a wrong password is refused with the user and the remedy, never with the password', async () => {
  const login = { user: 'postgres', password: 'wrong-secret', database: 'postgres' };
  const error = await refusal({ ...access, login });
  expect(error).toMatchObject({ code: 'login_refused', params: { user: 'postgres' } });
  expect(JSON.stringify(error) + String(error)).not.toContain('wrong-secret');
  await expect(checkLogin({ ...access, login })).rejects.toMatchObject({ code: 'login_refused' });
});

test('a missing privilege is refused with the statement that grants it, and is enough once granted', async () => {
  await postgres.sql(`create role plain login password 'plain'`);
  const login = { user: 'plain', password: 'plain', database: 'postgres' };
  const instance = { ...access, login };
  let granted = 0;
  for (; granted < 10; granted++) {
    const error: unknown = await checkLogin(instance).catch((refused: unknown) => refused);
    if (!(error instanceof Error)) break;
    expect(error).toMatchObject({ code: 'privilege_missing', params: { user: 'plain' } });
    await postgres.sql((error as unknown as { params: { remedy: string } }).params.remedy);
  }
  expect(granted).toBe(4);
  expect(await checkLogin(instance)).toEqual({ user: 'plain', isSuperuser: false });
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  expect(await bench.takeFullBackup(order, bench.step(order))).toMatchObject({ isConsistent: true });
});

test('another cluster than the recorded one is refused', async () => {
  expect(await refusal({ ...access, systemId: '1234567890' })).toMatchObject({
    code: 'system_id_mismatch',
    params: { recorded: '1234567890' },
  });
});

test('a backup of a closed instance is refused at once instead of waiting for it', async () => {
  const closed = await openPostgres({ major: 15, isClosed: true });
  const instance = { ...access, dataDirectory: closed.dataDirectory, socket: join(closed.folder, 'nobody') };
  const error = await refusal(instance).finally(() => closed.close());
  expect(error).toMatchObject({ code: 'instance_closed', isRetryable: false });
});

test('a data directory that the server does not serve is refused', async () => {
  const other = await openPostgres({ major: 15, isClosed: true });
  expect(await refusal({ ...access, dataDirectory: other.dataDirectory })).toMatchObject({
    code: 'data_directory_mismatch',
  });
  expect(await refusal({ ...access, dataDirectory: '/nowhere' })).toMatchObject({ code: 'data_directory_unreadable' });
  await other.close();
});

test('K-082 a missing archive directory and one with the log of another cluster are refused', async () => {
  expect(await refusal(access, { archiveDirectory: '/nowhere/archive' })).toMatchObject({
    code: 'archive_directory_missing',
  });
  const foreign = join(bench.folder, 'foreign');
  mkdirSync(foreign);
  const [own = ''] = readdirSync(join(postgres.dataDirectory, 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const segment = readFileSync(join(postgres.dataDirectory, 'pg_wal', own));
  segment.writeBigUInt64LE(42n, 24);
  writeFileSync(join(foreign, own), segment);
  expect(await refusal(access, { archiveDirectory: foreign })).toMatchObject({
    code: 'log_foreign',
    params: { found: '42' },
  });
});

test('archive_mode off and archive_mode always are refused', async () => {
  const off = await openPostgres({ major: 15 });
  expect(await refusal(await instanceAccess(off))).toMatchObject({ code: 'archive_mode_off' });
  await off.close();
  const always = await openPostgres({ major: 15, config: ['archive_mode = always', `archive_command = 'true'`] });
  expect(await refusal(await instanceAccess(always))).toMatchObject({ code: 'archive_mode_always' });
  await always.close();
});

test('a closed instance and one without a stored login are refused', async () => {
  expect(await refusal({ ...access, socket: '/nowhere' })).toMatchObject({
    code: 'instance_unreachable',
    class: 'unavailable',
  });
  const { resourceId, engine, dataDirectory, socket, port, systemId } = access;
  expect(await refusal({ resourceId, engine, dataDirectory, socket, port, systemId })).toMatchObject({
    code: 'login_absent',
  });
});

test('preflight reports version, identity, timeline, role and log settings, and a hint for every finding that is not ok', async () => {
  const report = await preflight({ instance: access, archiveDirectory: '/nowhere/archive' });
  expect(report).toMatchObject({
    systemId: access.systemId,
    timeline: 1,
    role: 'primary',
    walLevel: 'replica',
    archiveMode: 'on',
    hasChecksums: true,
    segmentBytes: 16777216,
  });
  const failed = report.findings.filter(({ verdict }) => verdict === 'fail');
  expect(failed.map(({ check }) => check)).toEqual(['archive-directory']);
  for (const { verdict, hint } of report.findings) expect(hint === '').toBe(verdict === 'ok');
});

test('discovery finds a running instance by its process and a closed one below a configured directory', async () => {
  const closed = await openPostgres({ major: 15, isClosed: true });
  const found = await discover({ roots: [closed.folder], processes: '/proc' });
  expect(found.find(({ dataDirectory }) => dataDirectory === postgres.dataDirectory)).toEqual({
    ...{
      engine: 'postgresql',
      dataDirectory: postgres.dataDirectory,
      port: postgres.port,
      socket: postgres.socketDirectory,
    },
    ...{ serverMajor: 15, systemId: access.systemId, isRunning: true },
  });
  expect(found.find(({ dataDirectory }) => dataDirectory === closed.dataDirectory)).toMatchObject({
    isRunning: false,
    port: closed.port,
    socket: closed.socketDirectory,
  });
  await closed.close();
});
