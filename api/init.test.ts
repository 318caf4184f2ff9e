import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { initialise } from './init.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

test('init is idempotent: keys and token stay, files are 0600, and the token is told once', async () => {
  const before = await readFile(`${api.home}/master.key`);
  const report = await initialise(api.settings, { nowMs: () => Date.now() });
  expect(report).toMatchObject({ migrations: [], madeKeys: [] });
  expect(report.adminToken).toBeUndefined();
  expect(await readFile(`${api.home}/master.key`)).toEqual(before);
  for (const name of ['master.key', 'payload.key', 'admin.token']) {
    expect((await stat(`${api.home}/${name}`)).mode & 0o777).toBe(0o600);
  }
});
