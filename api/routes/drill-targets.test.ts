import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDrillTarget, storeDrillTarget } from '#catalog/drill-targets.ts';
import type { ResourceId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';

let api: TestApi;
let spare: ResourceId;

beforeAll(async () => {
  api = await openTestApi();
  const host = await newHost(api, 'db1');
  await newResource(api, { name: 'orders', hostId: host.id });
  spare = await newResource(api, { name: 'spare', hostId: host.id });
});
afterAll(() => api.close());

const refusal = async (...line: string[]): Promise<string> => (await runLine(api, line)).err;
const drillTo = (target: string): string[] => ['drill', 'run', '--resource', 'orders', '--target', target];

test('K-092 K-105 a drill is refused on its source and on an instance that nobody consented to; consent is the name, typed', async () => {
  expect(await refusal(...drillTo('orders'))).toContain('drill_target_is_source');
  expect(await refusal(...drillTo('spare'))).toContain('drill_target_unmarked');
  expect(await refusal('drill', 'target', 'mark', 'spare', '--consent', 'orders')).toContain(
    'drill_target_consent_mismatch',
  );
  expect(await findDrillTarget(api.store.catalog, spare)).toBeUndefined();
});

test('K-092 marked instances are listed', async () => {
  expect((await runLine(api, ['drill', 'target', 'ls'])).out).toContain('No drill target');
  await storeDrillTarget(api.store.catalog, { id: spare, token: 'secret-token', markedBy: 'admin' });
  const listed = (await runLine(api, ['drill', 'target', 'ls', '--json'])).out;
  expect(listed).toContain('"spare"');
  expect(listed).not.toContain('secret-token');
  expect((await runLine(api, ['drill', 'target', 'mark', 'spare'])).out).toContain('spare is a drill target');
});
