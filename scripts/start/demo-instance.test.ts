import { symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { stopCopy } from '../demo/stop-copy.ts';
import { closeForUser, openForUser } from './demo-instance.ts';

let home: Folder;
let instance: Postgres;
beforeAll(async () => {
  home = openFolder('hf-start-');
  instance = await openPostgres({ major: 18, isClosed: true });
  symlinkSync(instance.folder, join(home.path, 'instance'));
});
afterAll(async () => {
  await stopCopy(instance.dataDirectory);
  await instance.close();
  home.remove();
});

test('npm start opens its instance once; asked again, or after a restore that opened it, it says so', async () => {
  expect(await openForUser(home.path)).toBe('The demo instance is open.');
  expect(await openForUser(home.path)).toMatch(/^The demo instance is open already/);
  expect(await closeForUser(home.path)).toMatch(/^The demo instance is closed\./);
  expect(await closeForUser(home.path)).toBe('The demo instance was closed already.');
});

test('the pid file of a crash, whose number another process has by now, is no server', async () => {
  await writeFile(
    join(instance.dataDirectory, 'postmaster.pid'),
    `${String(process.pid)}\n${instance.dataDirectory}\n`,
  );
  expect(await closeForUser(home.path)).toBe('The demo instance was closed already.');
});
