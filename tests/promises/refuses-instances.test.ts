import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#tests/support/platform.ts';
import { contentOf, hasNoSessionLeft, openPlatform, setsIn } from '#tests/support/platform.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let platform: Platform;
let silent: Postgres;
let pool: string;

beforeAll(async () => {
  [platform, silent] = await Promise.all([openPlatform(), openPostgres({ major: 15 })]);
  pool = await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
});
afterAll(async () => {
  await platform.close();
  await silent.close();
});

const backup = (resource: string, ...more: string[]): string[] => [
  'backup',
  '--resource',
  resource,
  '--pool',
  'vault',
  '--wait',
  ...more,
];
const full = (resource: string, archive: string): string[] =>
  backup(resource, '--type', 'full', '--archive-directory', archive);
const log = (resource: string, archive: string): string[] =>
  backup(resource, '--type', 'log', '--archive-directory', archive);

/** A refusal that leaves the pool exactly as it was, no set, and no session on the server. */
async function refusedUntouched(exit: number, args: readonly string[]) {
  const before = contentOf(pool);
  const refusal = await platform.refused(exit, args);
  expect(contentOf(pool)).toEqual(before);
  expect(setsIn(pool)).toEqual([]);
  expect(await hasNoSessionLeft(platform.instance)).toBe(true);
  return refusal;
}

test('K-064 K-065 K-066 a wrong password, a role without rights and no login at all are refused with the remedy', async () => {
  const { archiveDirectory } = platform.instance;
  expect(await refusedUntouched(3, full('main', archiveDirectory))).toMatchObject({
    code: 'resource_not_logged_in',
    params: { resource: 'main' },
  });
  expect(await platform.refused(3, ['resource', 'preflight', 'main'])).toMatchObject({
    code: 'resource_not_logged_in',
  });

  const wrong = await platform.refused(3, ['resource', 'login', 'main'], { HOLDFAST_PASSWORD: 'open-sesame' });
  expect(wrong).toMatchObject({ code: 'login_refused', params: { user: 'postgres' } });
  expect(JSON.stringify(wrong)).not.toContain('open-sesame');

  const client = await platform.instance.connect();
  await client.query("create role plain login password 'plain'");
  await client.end();
  const weak = await platform.refused(3, ['resource', 'login', 'main', '--user', 'plain'], {
    HOLDFAST_PASSWORD: 'plain',
  });
  expect(weak).toMatchObject({ code: 'privilege_missing', params: { user: 'plain' } });
  expect(weak.hint).toContain('grant execute on function');
  expect(await platform.done(['resource', 'ls'])).toMatchObject([{ name: 'main', isLoggedIn: false }]);
});

test('K-067 a changed password fails the run, not the server; logging in again is enough', async () => {
  const { instance } = platform;
  await platform.logIn(instance, 'main');
  const client = await instance.connect();
  await client.query("alter role postgres password 'changed'");
  const refusal = await platform.refused(3, full('main', instance.archiveDirectory));
  expect(refusal).toMatchObject({ code: 'login_refused', params: { user: 'postgres' } });
  expect(refusal.hint).toContain('holdfast resource login');
  await client.query(`alter role postgres password '${instance.password}'`);
  await client.end();
  expect(setsIn(pool)).toEqual([]);
  await platform.logIn(instance, 'main');
});

test('K-049 an instance that does not archive is refused by preflight and by backup', async () => {
  await platform.register(silent, 'silent');
  await platform.logIn(silent, 'silent');
  const preflight = await platform.refused(3, ['resource', 'preflight', 'silent']);
  expect(preflight).toMatchObject({ code: 'preflight_failed', params: { checks: 'archive-mode' } });
  const refusal = await refusedUntouched(3, full('silent', silent.archiveDirectory));
  expect(refusal).toMatchObject({ code: 'archive_mode_off' });
  expect(refusal.hint).toContain('archive_mode = on');
  expect(await hasNoSessionLeft(silent)).toBe(true);
});

test('K-082 an archive directory that is missing or cannot be read is refused by full and by log backup', async () => {
  const nowhere = join(platform.folder, 'nowhere');
  const file = join(platform.folder, 'a-file');
  writeFileSync(file, 'no directory');
  expect(await refusedUntouched(3, full('main', nowhere))).toMatchObject({
    code: 'archive_directory_missing',
    params: { directory: nowhere },
  });
  expect(await refusedUntouched(3, full('main', file))).toMatchObject({
    code: 'archive_directory_unreadable',
    params: { directory: file },
  });
  expect(await refusedUntouched(3, log('main', nowhere))).toMatchObject({
    code: 'archive_directory_missing',
    params: { directory: nowhere },
  });
  expect(await refusedUntouched(3, log('main', file))).toMatchObject({
    code: 'archive_directory_unreadable',
    params: { directory: file },
  });
});

test('K-080 log of another cluster in the archive directory is refused, stays there and never enters the pool', async () => {
  const { archiveDirectory } = platform.instance;
  for (let i = 0; i < 12; i++) await silent.sql('select txid_current(), pg_switch_wal()');
  const [name = ''] = readdirSync(join(silent.dataDirectory, 'pg_wal'))
    .filter((one) => /^[0-9A-F]{24}$/.test(one))
    .sort()
    .slice(-1);
  writeFileSync(join(archiveDirectory, name), readFileSync(join(silent.dataDirectory, 'pg_wal', name)));
  const before = contentOf(archiveDirectory);
  const ofFull = await refusedUntouched(3, full('main', archiveDirectory));
  expect(ofFull).toMatchObject({ code: 'log_foreign' });
  expect(ofFull.message).toContain(join(archiveDirectory, name));
  const ofLog = await platform.refused(3, log('main', archiveDirectory));
  expect(ofLog).toMatchObject({ code: 'log_foreign' });
  expect(ofLog.message).toContain(name);
  expect(contentOf(archiveDirectory)).toEqual(expect.arrayContaining([...before]));
  expect(contentOf(pool).filter((one) => one.includes(name))).toEqual([]);
  rmSync(join(archiveDirectory, name));
});

test('K-066 another cluster at the place of a registered one is refused, and the old backups stay apart', async () => {
  const replaced = await openPostgres({ major: 15, archive: true });
  await platform.register(replaced, 'replaced');
  await platform.logIn(replaced, 'replaced');
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  await catalog.query("update resource set system_id = '7000000000000000001' where name = 'replaced'");
  await catalog.end();
  const refusal = await refusedUntouched(3, full('replaced', replaced.archiveDirectory));
  expect(refusal).toMatchObject({ code: 'system_id_mismatch', params: { recorded: '7000000000000000001' } });
  await replaced.close();
});
