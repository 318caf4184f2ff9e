import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { openStack } from '#scripts/supervisor/stack.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';

let folder: Folder;
let stack: Stack;
const launcher = join(import.meta.dirname, '..', '..', 'bin', 'holdfast.mjs');

beforeAll(async () => {
  folder = openFolder('hf-cli-');
  stack = await openStack({
    home: folder.path,
    parts: ['catalog', 'temporal', 'api', 'worker', 'agent', 'demo-instance'],
  });
});
afterAll(async () => {
  await stack.close();
  folder.remove();
});

/** One command as an operator types it; its JSON. Fails the test with what it said on any exit code but 0. */
const holdfast = (...args: string[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, ...stack.places.cliEnv, HOLDFAST_PASSWORD: stack.places.instance?.password ?? '' };
    execFile(process.execPath, [launcher, ...args, '--json'], { env }, (error, out, err) => {
      if (error === null) resolve(JSON.parse(out));
      else reject(new Error(`holdfast ${args.join(' ')}: ${err}`, { cause: error }));
    });
  });

const runShape = z.object({ state: z.string(), setId: z.string().nullable() });

test('K-064 K-089 an operator registers, logs in, backs up, verifies and plans a restore by command line alone', async () => {
  const [host] = z.array(z.object({ name: z.string() })).parse(await holdfast('host', 'ls'));
  const name = host?.name ?? '';
  expect(await holdfast('run', 'noop', name, '--wait')).toMatchObject({ state: 'succeeded' });
  const dataDirectory = join(folder.path, 'instance', 'data');
  const found = await holdfast(
    'resource',
    'discover',
    name,
    '--register',
    '--data-directory',
    dataDirectory,
    '--name',
    'main',
  );
  expect(found).toMatchObject([{ resource: 'main', instance: { dataDirectory, isRunning: true } }]);
  expect(await holdfast('resource', 'login', 'main')).toMatchObject({ isLoggedIn: true, loginUser: 'postgres' });
  mkdirSync(join(folder.path, 'pools'));
  await holdfast('pool', 'create', 'first', '--local', join(folder.path, 'pools', 'first'), '--host', name);
  const backup = runShape.parse(
    await holdfast('backup', '--type', 'full', '--resource', 'main', '--pool', 'first', '--wait'),
  );
  expect(backup.state).toBe('succeeded');
  const set = backup.setId ?? '';
  expect(await holdfast('set', 'verify', set, '--wait')).toMatchObject({ state: 'succeeded' });
  const plan = await holdfast(
    'restore',
    'plan',
    '--resource',
    'main',
    '--immediate',
    '--to',
    join(folder.path, 'copy'),
  );
  expect(plan).toMatchObject({ plan: { setId: set } });
  expect(await holdfast('set', 'show', set)).toMatchObject({ id: set, verifyReport: { damage: [] } });
});

test('an extraction that cannot be is refused before a run begins', async () => {
  const [set] = z.array(z.object({ id: z.string() })).parse(await holdfast('set', 'ls'));
  const count = async (): Promise<number> => z.array(z.unknown()).parse(await holdfast('run', 'ls')).length;
  const before = await count();
  const extract = (what: string, to: string) => holdfast('set', 'extract', set?.id ?? '', what, '--to', to);
  await expect(extract('base/1/1259', join(folder.path, 'instance'))).rejects.toThrow(/place_unready[\s\S]*not empty/);
  await expect(extract('base/nowhere', join(folder.path, 'new'))).rejects.toThrow('extract_nothing');
  expect(await count()).toBe(before);
});
