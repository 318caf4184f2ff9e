import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCanary } from '#catalog/drills/drills.ts';
import type { ResourceId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
let resource: ResourceId;
beforeAll(async () => {
  api = await openTestApi();
  const host = await newHost(api, 'db1');
  resource = await newResource(api, { name: 'orders', hostId: host.id });
});
afterAll(() => api.close());

test('K-092 a canary that cannot be tried is not enabled', async () => {
  const unknown = await runLine(api, ['canary', 'enable', 'nobody']);
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.err).toContain('resource_unknown');
  const away = await runLine(api, ['canary', 'enable', 'orders']);
  expect(away.code).not.toBe(0);
  expect(away.err).toContain('host_offline');
  const misspelt = await runLine(api, ['canary', 'enable', 'orders', '--static', 'orders']);
  expect(misspelt).toMatchObject({ code: 2 });
  expect(await findCanary(api.store.catalog, resource)).toBeUndefined();
});
