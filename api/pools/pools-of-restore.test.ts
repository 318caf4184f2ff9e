import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { registerResource } from '#catalog/resources/resources.ts';
import { moveRun } from '#catalog/runs/runs.ts';
import type { HostId, RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { Answered, TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import {
  instanceIn,
  newHost as makeHost,
  newPool as makePool,
  newResource as makeResource,
} from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let hostKey: string;

const newHost = (name: string) => makeHost(api, name);
const newResource = (name: string, hostOfIt: HostId) => makeResource(api, { name, hostId: hostOfIt });
const newPool = (name: string, hostOfIt: HostId) => makePool(api, name, hostOfIt);
const runShape = z.object({ id: z.string().transform((text) => parseId('run', text)) });
const idOf = (answer: Answered): RunId => runShape.parse(answer.body).id;

beforeAll(async () => {
  api = await openTestApi();
  ({ key: hostKey } = await newHost('db1'));
});
afterAll(() => api.close());

test('K-049 a log backup tells of batches that a rebuilt catalog or another host has no run of, for its own database only', async () => {
  const { id, key } = await newHost('db5');
  const resource = await newResource('fifth', id);
  await newPool('fifth-pool', id);
  const run = idOf(
    await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'fifth', pool: 'fifth-pool' }),
  );
  const { systemId } = z.object({ systemId: z.string() }).parse((await api.ask('GET', '/api/v1/resources/fifth')).body);
  const batch = { ...sampleBatch(resource, testIds('run')), systemId };
  const path = `/agent/v1/batches/${batch.batchId}`;
  const tell = (body: unknown, teller = `?teller=${run}`, as = key) => api.ask('PUT', `${path}${teller}`, body, { as });
  expect((await tell(batch, '')).body).toMatchObject({ code: 'pool_of_set_unknown' });
  expect((await tell(batch, `?teller=${run}`, hostKey)).body).toMatchObject({ code: 'pool_of_set_unknown' });
  expect((await tell({ ...batch, systemId: '999' })).body).toMatchObject({ code: 'pool_of_set_unknown' });
  expect((await tell(batch)).status).toBe(204);
  await moveRun(api.store.catalog, run, 'cancelled');
  expect((await tell(batch)).body).toMatchObject({ code: 'pool_of_set_unknown' });
});

test('K-095 a point that the pool of the newest set does not reach is planned from another pool that does', async () => {
  const { id, key } = await newHost('db-many');
  const systemId = '888';
  const found = instanceIn('/many-pools', systemId);
  const resource = await registerResource(api.store.catalog, {
    id: testIds('res'),
    hostId: id,
    name: 'many-pools',
    found,
  });
  await newPool('near', id);
  await newPool('far-reaching', id);
  const commit = async (pool: string, at: string, hasLog: boolean): Promise<string> => {
    const run = idOf(await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'many-pools', pool }));
    const runId = parseId('run', run);
    const set = { ...sampleSet(resource, runId), systemId, endedAt: at };
    await api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: key });
    const batch = { ...sampleBatch(resource, runId), systemId };
    if (hasLog) await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, batch, { as: key });
    await moveRun(api.store.catalog, runId, 'cancelled');
    return set.setId;
  };
  const set = await commit('far-reaching', '2026-11-21T08:01:00.000000Z', true);
  await commit('near', '2026-11-21T08:02:00.000000Z', false);
  const plan = (time: string, pool?: string) =>
    api.ask('POST', '/api/v1/restores/plan', {
      ...{ resource: 'many-pools', target: { at: 'time', time, isInclusive: true } },
      place: { kind: 'copy', directory: '/copies/many-pools' },
      ...(pool === undefined ? {} : { pool }),
    });
  const time = '2026-11-21T08:10:00.000000Z';
  expect((await plan(time, 'near')).body).toMatchObject({
    code: 'point_needs_other_pool',
    params: { where: 'pool far-reaching does' },
  });
  expect((await plan(time)).body).toMatchObject({ plan: { setId: set } });
  const refused = await plan('2026-11-21T09:00:00.000000Z');
  expect(refused.body).toMatchObject({
    code: 'point_after_latest',
    params: { before: expect.stringContaining('T08:30') as string },
  });
});

test('K-095 the latest point is that of the pool that gets furthest, on a branch of the resource itself and not of its copy', async () => {
  const { id, key } = await newHost('db-latest');
  const systemId = '889';
  const register = (name: string) =>
    registerResource(api.store.catalog, {
      id: testIds('res'),
      hostId: id,
      name,
      found: instanceIn(`/${name}`, systemId),
    });
  const resource = await register('origin');
  const copy = await register('copy-of-origin');
  await newPool('with-log', id);
  await newPool('newest-set', id);
  const commit = async (owner: typeof resource, pool: string, more: object, log?: object): Promise<string> => {
    const name = owner === resource ? 'origin' : 'copy-of-origin';
    const runId = parseId(
      'run',
      idOf(await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: name, pool })),
    );
    const set = { ...sampleSet(owner, runId), systemId, ...more };
    expect((await api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: key })).status).toBe(204);
    const batch = { ...sampleBatch(owner, runId), systemId, ...log };
    if (log !== undefined) await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, batch, { as: key });
    await moveRun(api.store.catalog, runId, 'cancelled');
    return set.setId;
  };
  const furthest = await commit(resource, 'with-log', {}, {});
  await commit(resource, 'newest-set', {});
  const branch = { timeline: 2, branchId: 'c'.repeat(32) };
  const ofCopy = await commit(copy, 'with-log', branch);
  const plan = (of: string, more: object = {}) =>
    api.ask('POST', '/api/v1/restores/plan', {
      ...{ resource: of, target: { at: 'latest' } },
      ...{ place: { kind: 'copy', directory: '/copies/latest' }, ...more },
    });
  expect((await plan('origin')).body).toMatchObject({ plan: { setId: furthest } });
  expect((await plan('copy-of-origin')).body).toMatchObject({ plan: { setId: ofCopy } });
  expect((await plan('origin', { timeline: 2 })).body).toMatchObject({ plan: { setId: ofCopy } });
  expect((await plan('origin', { setId: ofCopy })).body).toMatchObject({ plan: { setId: ofCopy } });
});
