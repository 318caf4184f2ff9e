import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform, setsIn } from '#tests/support/platform.ts';
import { connectTo } from '#tests/support/restored-copy.ts';

let platform: Platform;
let minio: Minio;
let pools: { readonly near: string; readonly far: string };
const sets: string[] = [];

const runShape = z.looseObject({ id: z.string(), setId: z.string().nullable().optional() });
const backup = async (type: 'full' | 'differential' | 'log'): Promise<string> => {
  const run = await platform.done([
    ...['backup', '--type', type, '--resource', 'main', '--pool', 'near', '--archive-retention', 'keep'],
    ...['--archive-directory', platform.instance.archiveDirectory, '--wait'],
  ]);
  return runShape.parse(run).setId ?? '';
};
const copy = (...what: readonly string[]): Promise<unknown> =>
  platform.done(['pool', 'copy', '--from', 'near', '--to', 'far', ...what, '--wait']);
const marksIn = (set: string, pool: string): Promise<unknown> => platform.done(['set', 'marks', set, '--pool', pool]);

beforeAll(async () => {
  [platform, minio] = await Promise.all([openPlatform(), openMinio()]);
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  const near = await platform.localPool('near');
  const far = join(platform.folder, 'pools', 'far');
  const file = join(platform.folder, 'passphrase');
  writeFileSync(file, 'four words of far\n', { mode: 0o600 });
  const create = ['pool', 'create', 'far', '--local', far, '--host', platform.host];
  await platform.done([...create, '--encrypted', '--passphrase-file', file]);
  pools = { near, far };
  const client = await platform.instance.connect();
  await client.query('create table ledger as select g as id from generate_series(1, 5000) g');
  sets.push(await backup('full'));
  await client.query('insert into ledger select g from generate_series(5001, 6000) g');
  sets.push(await backup('differential'));
  await backup('log');
  await client.query('insert into ledger select g from generate_series(6001, 7000) g');
  await backup('log');
  await client.end();
});
afterAll(async () => {
  await platform.close();
  await minio.close();
});

test('K-005 a copy that makes no sense is refused before anything is touched', async () => {
  const refuse = (...args: readonly string[]) => ['pool', 'copy', '--from', 'near', '--to', ...args];
  expect(await platform.refused(2, refuse('far'))).toMatchObject({ code: 'copy_nothing' });
  expect(await platform.refused(2, refuse('near', '--all'))).toMatchObject({ code: 'copy_same_pool' });
  expect(setsIn(pools.far)).toEqual([]);
});

test('K-005 one set that is named brings its chain; all and the log bring the rest, each once', async () => {
  expect(await copy('--set', sets[1] ?? '')).toMatchObject({ state: 'succeeded', outcome: { result: { sets: 2 } } });
  expect(setsIn(pools.far)).toEqual([...sets].sort());
  expect(await copy('--all', '--log')).toMatchObject({ outcome: { result: { sets: 0, batches: 2 } } });
  const again = { sets: 0, batches: 0, objects: 0, bytes: 0 };
  expect(await copy('--all', '--log')).toMatchObject({ state: 'succeeded', outcome: { result: again } });
  const shown = await platform.done(['set', 'show', sets[0] ?? '', '--pool', 'far']);
  expect(shown).toMatchObject({ summary: { isEncrypted: true }, pools: [{ name: 'near' }, { name: 'far' }] });
  expect(await platform.done(['set', 'ls'])).toHaveLength(2);
});

test('K-096 the timeline shows the same points in both pools, and a hold in one of them is no hold in the other', async () => {
  const shape = z.array(z.looseObject({ poolName: z.string(), timeline: z.looseObject({ branches: z.unknown() }) }));
  const timelines = shape.parse(await platform.done(['timeline', 'main']));
  expect(timelines.map(({ poolName }) => poolName).sort()).toEqual(['far', 'near']);
  expect(timelines[0]?.timeline.branches).toEqual(timelines[1]?.timeline.branches);
  await platform.done(['set', 'hold', sets[0] ?? '', '--pool', 'far', '--reason', 'case 17']);
  expect(await marksIn(sets[0] ?? '', 'near')).toEqual([]);
  expect(await marksIn(sets[0] ?? '', 'far')).toMatchObject([{ kind: 'hold' }]);
});

test('K-005 with the source gone the catalog is rebuilt from the copy', async () => {
  renameSync(pools.near, `${pools.near}.gone`);
  const catalog = await platform.stack.places.catalog.connect('holdfast');
  for (const table of ['set_mark', 'backup_set', 'log_batch']) await catalog.query(`delete from ${table}`);
  await catalog.end();
  const rebuilt = await platform.done(['catalog', 'rebuild', '--pool', 'far', '--wait']);
  expect(rebuilt).toMatchObject({ outcome: { result: { sets: 2, batches: 2, marks: 1 } } });
  expect(await platform.done(['set', 'show', sets[1] ?? ''])).toMatchObject({ pools: [{ name: 'far' }] });
});

test('K-005 the newest point is restored from the copy after its key was rotated, and its kit names the pool', async () => {
  const file = join(platform.folder, 'next-passphrase');
  writeFileSync(file, 'four other words of far\n', { mode: 0o600 });
  const rotate = ['pool', 'rotate-key', 'far', '--passphrase-file', file];
  expect(await platform.done(rotate)).toEqual({ version: 2, isNew: true });
  expect(await platform.done(rotate)).toEqual({ version: 2, isNew: false });
  const kit = join(platform.folder, 'far.kit');
  await platform.done(['pool', 'kit', 'far', '--output', kit]);
  expect(readFileSync(kit, 'utf8')).toContain('keys/pool/000002');
  expect(readFileSync(kit, 'utf8')).not.toContain('words of far');
  const to = join(platform.folder, 'copy');
  const restore = ['restore', 'run', '--resource', 'main', '--latest', '--to', to, '--wait'];
  const restored = await connectTo(await platform.done(restore), platform.instance.password);
  expect((await restored.query('select count(*)::int as n from ledger')).rows).toEqual([{ n: 7000 }]);
  await restored.stop();
  renameSync(`${pools.near}.gone`, pools.near);
});

test('K-005 what was removed from the copy does not come back with the next one, but with one that names it', async () => {
  await platform.done(['set', 'release', sets[0] ?? '']);
  const plan = z.looseObject({ planId: z.string() }).parse(await platform.done(['set', 'rm', sets[1] ?? '']));
  const remove = ['set', 'rm', sets[1] ?? '', '--plan', plan.planId, '--consent', 'main', '--wait'];
  expect(await platform.done(remove)).toMatchObject({ state: 'succeeded' });
  expect(setsIn(pools.far)).toEqual([sets[0]]);
  await platform.done(['catalog', 'rebuild', '--pool', 'near', '--wait']);
  expect(await copy('--all')).toMatchObject({ outcome: { result: { sets: 0, leftOut: [{ what: sets[1] }] } } });
  const named = await copy('--set', sets[1] ?? '');
  expect(named).toMatchObject({ state: 'succeeded', outcome: { result: { sets: 1, setsThere: 1 } } });
  expect(setsIn(pools.far)).toEqual([...sets].sort());
  expect(await platform.done(['set', 'verify', sets[1] ?? '', '--pool', 'far', '--wait'])).toMatchObject({
    state: 'succeeded',
  });
});

test('a copy in an immutable bucket is protected from its owners too', async () => {
  const { endPoint, port, accessKey, secretKey } = minio;
  const place = ['--s3', `${endPoint}:${String(port)}`, '--bucket', 'vault', '--no-tls', '--immutable', '30'];
  const keys = { HOLDFAST_S3_ACCESS_KEY: accessKey, HOLDFAST_S3_SECRET_KEY: secretKey };
  await platform.done(['pool', 'create', 'vault', ...place, '--host', platform.host], keys);
  const made = await platform.done(['pool', 'copy', '--from', 'near', '--to', 'vault', '--all', '--wait']);
  expect(made).toMatchObject({ state: 'succeeded', outcome: { result: { sets: 2 } } });
  const refusal = await platform.refused(3, ['set', 'rm', sets[1] ?? '', '--pool', 'vault']);
  expect(refusal).toMatchObject({ code: 'set_protected' });
  expect(refusal.message).toMatch(/locked until 20/);
  expect(await platform.done(['pool', 'test', 'vault'])).toBeDefined();
});
