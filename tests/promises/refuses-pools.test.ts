import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '#scripts/supervisor/free-port.ts';
import type { Platform, Refusal } from '#tests/support/platform.ts';
import { contentOf, hasNoSessionLeft, openPlatform, setsIn } from '#tests/support/platform.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let platform: Platform;
let second: Postgres;
/** Two runs that bear their trouble for the shortest reconnect time, a minute; they go on beside the other tests. */
let onUnreachable: Promise<Refusal>;
let onFull: Promise<Refusal> | undefined;
let away: string;
let tiny: string;

/** Only root can make a file system small enough to fill. */
const canMount = process.getuid?.() === 0;
const minutes = 60_000;
const passphrase = { HOLDFAST_PASSPHRASE: 'correct horse battery staple' };

const fullOf = (resource: string, pool: string, archive: string): string[] => [
  ...['backup', '--type', 'full', '--resource', resource, '--pool', pool, '--archive-directory', archive],
  ...['--reconnect', '1', '--wait'],
];

/** A run whose refusal is awaited later. */
const begun = (run: Promise<Refusal>): Promise<Refusal> => {
  run.catch(() => undefined);
  return run;
};

beforeAll(async () => {
  [platform, second] = await Promise.all([openPlatform(), openPostgres({ major: 15, archive: true })]);
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  await platform.register(second, 'second');
  await platform.logIn(second, 'second');
  away = await platform.localPool('away');
  tiny = join(platform.folder, 'pools', 'tiny');
  renameSync(away, `${away}.unmounted`);
  onUnreachable = begun(platform.refused(5, fullOf('main', 'away', platform.instance.archiveDirectory)));
  if (!canMount) return;
  mkdirSync(tiny);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'holdfast-test', tiny]);
  await platform.localPool('tiny');
  onFull = begun(platform.refused(5, fullOf('second', 'tiny', second.archiveDirectory)));
});
afterAll(async () => {
  await second.close();
  await platform.stack.close();
  if (canMount) execFileSync('umount', [tiny]);
  await platform.close();
});

const poolShape = z.looseObject({ id: z.string(), name: z.string() });
const pools = async () => z.array(poolShape).parse(await platform.done(['pool', 'ls']));

/** A pool that is refused is not in the catalog, and nothing was written where it should lie. */
async function refusedPool(
  exit: number,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Refusal> {
  const refusal = await platform.refused(exit, ['pool', 'create', 'refused', '--host', platform.host, ...args], env);
  expect((await pools()).map(({ name }) => name)).not.toContain('refused');
  return refusal;
}

test('K-063 a directory that holds files of others never becomes a pool, and they stay', async () => {
  const directory = join(platform.folder, 'documents');
  mkdirSync(directory);
  writeFileSync(join(directory, 'thesis'), 'mine');
  expect(await refusedPool(3, ['--local', directory])).toMatchObject({
    code: 'pool_not_empty',
    message: expect.stringContaining(directory) as string,
  });
  expect(contentOf(directory)).toHaveLength(1);
});

test('K-005 a wrong, a missing and a needless passphrase are refused, and the pool stays as it is', async () => {
  const sealed = join(platform.folder, 'pools', 'sealed');
  const create = ['pool', 'create', 'sealed', '--local', sealed, '--host', platform.host, '--encrypted'];
  const made = poolShape.parse(await platform.done(create, passphrase));
  const plain = await platform.localPool('plain');
  const ofPlain = (await pools()).find(({ name }) => name === 'plain');
  const before = [...contentOf(sealed), ...contentOf(plain)];
  const attach = ['--local', sealed, '--attach', made.id];
  const wrong = await refusedPool(3, [...attach, '--encrypted'], { HOLDFAST_PASSPHRASE: 'open sesame' });
  expect(wrong).toMatchObject({ code: 'passphrase_wrong', params: { pool: 'refused' } });
  expect(JSON.stringify(wrong)).not.toContain('open sesame');
  expect(await refusedPool(3, attach)).toMatchObject({ code: 'passphrase_missing' });
  const needless = await refusedPool(3, ['--local', plain, '--attach', ofPlain?.id ?? '', '--encrypted'], passphrase);
  expect(needless).toMatchObject({ code: 'passphrase_unused' });
  expect([...contentOf(sealed), ...contentOf(plain)]).toEqual(before);
});

test('a place that now holds another pool or none is refused, and nothing is written there', async () => {
  const first = await platform.localPool('first');
  const other = await platform.localPool('other');
  renameSync(first, `${first}.moved`);
  renameSync(other, first);
  const before = contentOf(first);
  expect(await refusedPool(3, ['--local', first])).toMatchObject({
    code: 'pool_registered',
    message: expect.stringContaining('holds the pool other') as string,
  });
  expect(await platform.refused(3, ['pool', 'test', 'first'])).toMatchObject({
    code: 'pool_other',
    message: expect.stringContaining(first) as string,
  });
  expect(contentOf(first)).toEqual(before);
  rmSync(join(first, 'holdfast.json'));
  expect(await platform.refused(3, ['pool', 'test', 'first'])).toMatchObject({ code: 'pool_unknown' });
  expect(contentOf(first)).toEqual([]);
});

test('an S3 service that does not answer is refused by endpoint, and its keys are never said', async () => {
  const endpoint = `127.0.0.1:${String(await freePort())}`;
  const keys = { HOLDFAST_S3_ACCESS_KEY: 'access-of-mine', HOLDFAST_S3_SECRET_KEY: 'secret-of-mine' };
  const refusal = await refusedPool(5, ['--s3', endpoint, '--no-tls', '--bucket', 'vault'], keys);
  expect(refusal).toMatchObject({ code: 'pool_unreachable', message: expect.stringContaining(endpoint) as string });
  expect(JSON.stringify(refusal)).not.toMatch(/secret-of-mine/);
});

test(
  'K-084 a pool that stays away fails the run after the reconnect time; when it is back the next run succeeds',
  { timeout: 3 * minutes },
  async () => {
    const refusal = await onUnreachable;
    expect(refusal).toMatchObject({ code: 'pool_unreachable', params: { pool: 'away' } });
    expect(refusal.message).toContain(away);
    expect(statSync(away, { throwIfNoEntry: false })).toBeUndefined();
    expect(setsIn(`${away}.unmounted`)).toEqual([]);
    expect(await hasNoSessionLeft(platform.instance)).toBe(true);
    renameSync(`${away}.unmounted`, away);
    expect(await platform.done(fullOf('main', 'away', platform.instance.archiveDirectory))).toMatchObject({
      state: 'succeeded',
    });
    expect(setsIn(away)).toHaveLength(1);
  },
);

test.skipIf(!canMount)(
  'K-084 a full pool fails the run, shows no set, and is used again when there is space',
  { timeout: 3 * minutes },
  async () => {
    const refusal = await onFull;
    expect(refusal).toMatchObject({ code: 'pool_full', params: { pool: 'tiny' } });
    expect(setsIn(tiny)).toEqual([]);
    const other = { connect: () => second.connect() };
    expect(await hasNoSessionLeft(other)).toBe(true);
    execFileSync('mount', ['-o', 'remount,size=64m', tiny]);
    expect(await platform.done(fullOf('second', 'tiny', second.archiveDirectory))).toMatchObject({
      state: 'succeeded',
    });
    expect(setsIn(tiny)).toHaveLength(1);
  },
);
