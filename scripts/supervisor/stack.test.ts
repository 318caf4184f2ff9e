import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openFolder } from '../../tests/support/folder.ts';
import { identityOf } from './process-identity.ts';
import { projectRoot } from './program.ts';
import { openStack } from './stack.ts';
import { waitFor } from './wait.ts';

const folder = openFolder('hf-stack-');
const program = join(projectRoot, 'tests', 'support', 'stack-program.ts');
const patienceMs = 25_000;

afterAll(() => {
  folder.remove();
});

const startSupervisor = (through: readonly string[] = []): ChildProcess => {
  const [command = process.execPath, ...first] = through;
  const args = [...first, ...(through.length === 0 ? [] : [process.execPath]), '--import', 'tsx', program, folder.path];
  return spawn(command, args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'] });
};

const pidsOf = (supervisor: ChildProcess): Promise<number[]> =>
  new Promise((resolve, reject) => {
    supervisor.stdout?.once('data', (chunk: Buffer) => {
      resolve(chunk.toString().match(/\d+/g)?.map(Number) ?? []);
    });
    supervisor.once('exit', () => {
      reject(new Error('the supervisor ended before its servers were ready'));
    });
  });

const areGone = (pids: readonly number[]): Promise<boolean> =>
  waitFor(() => pids.every((pid) => identityOf(pid) === undefined), patienceMs);

test('no server outlives a supervisor that is killed with SIGKILL, and the next start works', async () => {
  const supervisor = startSupervisor();
  const pids = await pidsOf(supervisor);
  expect(pids).toHaveLength(3);
  supervisor.kill('SIGKILL');
  expect(await areGone(pids)).toBe(true);
  const stack = await openStack({ home: folder.path, parts: ['catalog'] });
  await expect(openStack({ home: folder.path, parts: [] })).rejects.toMatchObject({ code: 'stack_running' });
  await stack.close();
});

test('parts that end at the same time are told of one after the other, even if nobody asked meanwhile', async () => {
  const stack = await openStack({ home: folder.path, parts: ['catalog', 'demo-instance'] });
  const children = [stack.childOf('catalog'), stack.childOf('demo-instance')];
  for (const { pid } of children) process.kill(pid, 'SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  expect(new Set([await stack.nextBroken(), await stack.nextBroken()])).toEqual(new Set(['catalog', 'demo-instance']));
  await stack.close();
});

test('SIGTERM stops every server and leaves no state behind', async () => {
  const supervisor = startSupervisor();
  const pids = await pidsOf(supervisor);
  supervisor.kill('SIGTERM');
  expect(await areGone(pids)).toBe(true);
  expect(await waitFor(() => !existsSync(join(folder.path, 'supervisor.json')), patienceMs)).toBe(true);
});

test('a supervisor ends when the shell above it is killed, as npm is', async () => {
  const shell = startSupervisor(['/bin/sh', '-c', '"$0" "$@"; true']);
  const pids = await pidsOf(shell);
  shell.kill('SIGKILL');
  expect(await areGone(pids)).toBe(true);
  expect(await waitFor(() => !existsSync(join(folder.path, 'supervisor.json')), patienceMs)).toBe(true);
});

test('a part that ends by itself is reported, and starts again on the same place', async () => {
  const stack = await openStack({ home: folder.path, parts: ['catalog'] });
  process.kill(stack.childOf('catalog').pid, 'SIGKILL');
  expect(await stack.broken).toBe('catalog');
  await stack.start('catalog');
  const client = await stack.places.catalog.connect('holdfast');
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await client.end();
  await stack.close();
});
