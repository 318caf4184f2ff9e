import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import { parseInstant } from '#core/instant.ts';
import { instanceIn } from '#tests/support/api-fixtures.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleNoOp } from '#tests/support/samples.ts';
import { demandOwnData, expectCopy, keepCopy, resourceWithCopy } from './drilled-copies.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { removeResource } from '#catalog/resources/resource-changes.ts';
import { getResource, registerResource } from '#catalog/resources/resources.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';

let store: TestCatalog;
let hostId: HostId;
let source: ResourceId;
const db = () => store.catalog;
const [ofSource, ofSpare, fresh] = ['7000000000000000001', '7000000000000000002', '7000000000000000003'];
const at = parseInstant('2026-01-02T03:04:05.000Z');

beforeAll(async () => {
  store = await openTestCatalog();
  hostId = testIds('host');
  await addHost(db(), { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256: randomBytes(32) });
  source = await registered('main', ofSource);
});
afterAll(() => store.close());

const registered = (name: string, systemId: string): Promise<ResourceId> =>
  registerResource(db(), { id: testIds('res'), hostId, name, found: instanceIn(`/${name}`, systemId) });

async function openRun(): Promise<RunId> {
  const [runId, jobId] = [testIds('run'), testIds('job')];
  const spec = sampleNoOp(hostId);
  await addJob(db(), { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(db(), { id: runId, jobId, spec, hostId, startedBy: 'test' });
  return runId;
}
const found = (name: string, systemId: string) =>
  resourceWithCopy(db(), { hostId, dataDirectory: `/${name}`, systemId });

test('K-092 an instance that a drill replaces stays the resource that it was, while the drill runs and after it was told of', async () => {
  const spare = await registered('spare', ofSpare);
  const runId = await openRun();
  const copy = { resourceId: spare, systemId: ofSource, source: { id: source, name: 'main' }, runId };
  expect(await found('spare', ofSource)).toBeUndefined();
  await expectCopy(db(), copy);
  expect(await found('spare', ofSource)).toBe(spare);
  expect(await getResource(db(), spare)).toMatchObject({ copyOf: null });
  // A drill that gave the place back leaves nothing to know it by.
  await moveRun(db(), runId, 'cancelled');
  expect(await found('spare', ofSource)).toBeUndefined();
  await keepCopy(db(), copy, at);
  expect([await found('spare', ofSource), await found('spare', ofSpare), await found('main', ofSource)]).toEqual([
    ...[spare, undefined, undefined],
  ]);
  expect(await registered('another-name', ofSource).then((id) => getResource(db(), id))).not.toMatchObject({
    id: spare,
  });
  expect(
    await registerResource(db(), { id: testIds('res'), hostId, name: 'new', found: instanceIn('/spare', ofSource) }),
  ).toBe(spare);
  expect(await getResource(db(), spare)).toMatchObject({
    ...{ name: 'spare', systemId: ofSpare, copyOf: 'main', copyUntil: at },
  });
  await expect(demandOwnData(db(), spare)).rejects.toMatchObject({
    code: 'resource_holds_copy',
    params: { resource: 'spare', source: 'main', at },
  });
  await demandOwnData(db(), source);
});

test('K-092 a copy is forgotten when its place holds something else again, or the resource is removed', async () => {
  const first = await registered('first', ofSpare);
  const runId = await openRun();
  const copyIn = (resourceId: ResourceId) => ({
    ...{ resourceId, systemId: ofSource, source: { id: source, name: 'main' }, runId },
  });
  await keepCopy(db(), copyIn(first), at);
  // Its own data came back.
  expect(await registered('first', ofSpare)).toBe(first);
  await demandOwnData(db(), first);
  await keepCopy(db(), copyIn(first), at);
  // Somebody made a fresh instance there: another resource, which no drill touched.
  const second = await registered('first', fresh).catch(() => undefined);
  expect(second).toBeUndefined();
  const again = await registerResource(db(), {
    ...{ id: testIds('res'), hostId, name: 'second', found: instanceIn('/first', fresh) },
  });
  expect(again).not.toBe(first);
  await demandOwnData(db(), again);
  await demandOwnData(db(), first);
  await keepCopy(db(), copyIn(again), at);
  await removeResource(db(), again);
  expect(await found('first', ofSource)).toBeUndefined();
});
