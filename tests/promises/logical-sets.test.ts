import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
let pool: string;

const runShape = z.looseObject({ state: z.string(), setId: z.string().nullable() });
const backup = async (...what: readonly string[]): Promise<string> => {
  const run = await platform.done([
    ...['logical', 'backup', '--resource', 'main', '--pool', 'safe', '--wait'],
    ...what,
  ]);
  const { state, setId } = runShape.parse(run);
  expect(state).toBe('succeeded');
  return setId ?? '';
};
const sets = async (): Promise<readonly string[]> =>
  z
    .array(z.looseObject({ id: z.string() }))
    .parse(await platform.done(['logical', 'ls']))
    .map(({ id }) => id);
/** Logical sets of which the pool has any object. */
const inPool = (): readonly string[] => {
  const names = readdirSync(join(pool, 'logical'), { recursive: true, encoding: 'utf8' });
  const objects = names.filter((name) => /(start|meta|\.bak)$/.test(name));
  return [...new Set(objects.map((name) => name.split('/')[0] ?? ''))].sort();
};

beforeAll(async () => {
  platform = await openPlatform({ env: { HOLDFAST_POSTGRES_BIN: await provideClientTools(18) } });
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  pool = join(platform.folder, 'pools', 'safe');
  const file = join(platform.folder, 'passphrase');
  writeFileSync(file, 'four words of safe\n', { mode: 0o600 });
  await platform.localPool('other');
  const create = ['pool', 'create', 'safe', '--local', pool, '--host', platform.host];
  await platform.done([...create, '--encrypted', '--passphrase-file', file]);
  const client = await platform.instance.connect();
  await client.query('create database shop');
  await client.query('create table ledger as select g as id from generate_series(1, 1000) g');
  await client.end();
});
afterAll(async () => {
  await platform.close();
});

test('K-050 K-072 databases and tables are chosen from the live tree, backed up, shown and read back', async () => {
  const tree = await platform.done([
    'logical',
    'tree',
    '--resource',
    'main',
    '--database',
    'postgres',
    '--schema',
    'public',
  ]);
  expect(tree).toMatchObject({ nodes: [{ name: 'ledger', kind: 'table' }], hasMore: false });
  const all = await backup('--all-databases', '--channels', '2');
  const part = await backup('--table', 'postgres.public.ledger');
  expect(await sets()).toEqual([part, all]);
  expect(await platform.done(['logical', 'show', all])).toMatchObject({
    resourceName: 'main',
    summary: {
      databases: [
        { name: 'postgres', rowCount: 1000 },
        { name: 'shop', rowCount: 0 },
      ],
      isEncrypted: true,
    },
  });
  expect(await platform.done(['logical', 'verify', all, '--wait'])).toMatchObject({ state: 'succeeded' });
  expect(await platform.done(['logical', 'show', all])).toMatchObject({ damage: null });
  const gone = [
    'logical',
    'backup',
    '--resource',
    'main',
    '--pool',
    'safe',
    '--table',
    'postgres.public.gone',
    '--wait',
  ];
  expect(await platform.refused(2, gone)).toMatchObject({ code: 'logical_selection_missing' });
});

test('D-002 a set whose bytes changed is found by its verification and marked', async () => {
  const set = await backup('--table', 'postgres.public.ledger');
  const attempt = readdirSync(join(pool, 'logical', set)).find((name) => name.startsWith('try_')) ?? '';
  writeFileSync(join(pool, 'logical', set, attempt, 'piece-000001.bak'), 'not what it was');
  expect((await platform.refused(7, ['logical', 'verify', set, '--wait'])).code).toMatch(/^object_/);
  const row = z.looseObject({ damage: z.string() }).parse(await platform.done(['logical', 'show', set]));
  expect(row.damage).toContain('piece-000001.bak');
});

test('K-050 sets behind the newest are shown, then deleted as shown, and nothing else goes', async () => {
  const [damaged = '', part = '', all = ''] = await sets();
  const newer = await backup('--all-databases');
  const plan = ['logical', 'rm', '--resource', 'main', '--keep', '1'];
  expect(
    z
      .array(z.looseObject({ id: z.string() }))
      .parse(await platform.done(plan))
      .map(({ id }) => id),
  ).toEqual([all]);
  expect(await sets()).toHaveLength(4);
  const removed = await platform.done(['logical', 'rm', all, newer, damaged, '--yes', '--wait']);
  expect(removed).toMatchObject({ state: 'succeeded' });
  expect(await sets()).toEqual([part]);
  expect(inPool()).toEqual([part]);
});

test('K-050 a catalog that lost its logical sets gets them back from the pool', async () => {
  const known = await sets();
  expect(known).toHaveLength(1);
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  await catalog.query('delete from logical_set');
  await catalog.end();
  expect(await sets()).toEqual([]);
  await platform.done(['catalog', 'rebuild', '--pool', 'safe', '--wait']);
  expect(await sets()).toEqual(known);
});

test('K-084 what an attempt that never committed left is collected, sets are not', async () => {
  const kept = inPool();
  // Ids tell their age: this one is of 1970, and nobody knows its run.
  const old = `set_${'0'.repeat(12)}7000${'8'.repeat(16)}`;
  const attempt = join(pool, 'logical', old, old.replace('set_', 'try_'));
  mkdirSync(attempt, { recursive: true });
  writeFileSync(join(attempt, 'piece-000001.bak'), 'left over');
  expect(inPool()).toEqual([old, ...kept]);
  await platform.done(['pool', 'gc', 'safe', '--run', '--grace-hours', '1', '--wait']);
  expect(inPool()).toEqual(kept);
});

test('K-084 an agent that is killed in the middle begins anew: one set, sound, and nothing of the first attempt', async () => {
  const slow = ['--limit-disk', '1KiB/s', '--table', 'postgres.public.ledger'];
  const begun = await platform.done(['logical', 'backup', '--resource', 'main', '--pool', 'safe', ...slow]);
  const { id, setId } = z.looseObject({ id: z.string(), setId: z.string() }).parse(begun);
  const client = await platform.instance.connect();
  const isCopying = async (): Promise<true | undefined> => {
    const found = await client.query(
      "select 1 from pg_stat_activity where application_name = 'holdfast' and xact_start is not null",
    );
    return found.rowCount === 0 ? undefined : true;
  };
  await pollUntil(isCopying, { what: 'a snapshot is held', timeoutMs: 60_000 });
  await client.end();
  await platform.stack.kill('agent');
  await platform.stack.start('agent');
  const isOver = async (): Promise<string | undefined> => {
    await platform.holdfast(['run', 'limit', id, '--disk', 'unlimited']);
    const { run } = z.looseObject({ run: runShape }).parse(await platform.done(['run', 'show', id]));
    return ['queued', 'running', 'paused'].includes(run.state) ? undefined : run.state;
  };
  expect(await pollUntil(isOver, { what: 'the end of the run', timeoutMs: 100_000 })).toBe('succeeded');
  expect(
    readdirSync(join(pool, 'logical', setId)).filter((name) => name.startsWith('try_') && !isEmpty(setId, name)),
  ).toHaveLength(1);
  expect(await platform.done(['logical', 'verify', setId, '--wait'])).toMatchObject({ state: 'succeeded' });
});

const isEmpty = (set: string, attempt: string): boolean =>
  readdirSync(join(pool, 'logical', set, attempt)).length === 0;
