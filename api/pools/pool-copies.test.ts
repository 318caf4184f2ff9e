import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import { claimDeletion } from '#catalog/pools/deletions.ts';
import type { HostId, PoolId, ResourceId, SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource, poolSecret } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let host: { readonly id: HostId; readonly key: string };
let pools: { readonly from: PoolId; readonly to: PoolId; readonly elsewhere: PoolId };
let resource: ResourceId;

beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  const other = await newHost(api, 'db2');
  resource = await newResource(api, { name: 'main', hostId: host.id });
  pools = {
    from: await newPool(api, 'from', host.id),
    to: await newPool(api, 'to', host.id),
    elsewhere: await newPool(api, 'elsewhere', other.id),
  };
});
afterAll(() => api.close());

const runShape = z.looseObject({ id: z.string(), kind: z.string() });
const orderShape = z.looseObject({
  task: z.looseObject({ sets: z.array(z.string()), bases: z.array(z.string()) }),
  from: z.looseObject({ secrets: z.looseObject({ passphrase: z.string() }) }),
  to: z.looseObject({ secrets: z.looseObject({ passphrase: z.string(), nextPassphrase: z.string().optional() }) }),
});
const copy = (body: object, pool = 'from') => api.ask('POST', `/api/v1/pools/${pool}/copies`, body);
const orderOf = async (run: string) =>
  orderShape.parse((await api.ask('GET', `/agent/v1/orders/${run}`, undefined, { as: host.key })).body);

async function indexed(pool: PoolId, base?: SetId): Promise<SetId> {
  const { beginLsn, endLsn, ...set } = sampleSet(resource);
  const link = { metaSha256: 'a'.repeat(64), fullSetId: base, beginLsn, endLsn, changedPages: 'log' };
  const built = base === undefined ? {} : { type: 'differential', base: { setId: base, ...link } };
  await indexSet(api.store.catalog, setSummaryShape.parse({ ...set, beginLsn, endLsn, ...built }), pool);
  return set.setId;
}

test('K-005 a copy is ordered with its chain, and what it reads and builds on is leased to it', async () => {
  const full = await indexed(pools.from);
  const top = await indexed(pools.from, full);
  const answer = await copy({ to: 'to', sets: [top] });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  const run = runShape.parse(answer.body);
  expect(run.kind).toBe('pool-copy');
  const order = await orderOf(run.id);
  expect(order.task).toMatchObject({ sets: [full, top], bases: [] });
  expect([order.from, order.to].map(({ secrets }) => secrets.passphrase)).toEqual([poolSecret, poolSecret]);
  const claim = { runId: testIds('run'), poolId: pools.from, now: instantFromMs(Date.now()) };
  const refused = await claimDeletion(api.store.catalog, claim, { kind: 'set', setId: full });
  expect(refused).toEqual({ verdict: 'refused', why: `run ${run.id} reads it` });
});

test('K-005 the agent tells of a copy under the pool into which it copies, and the set is listed once with both pools', async () => {
  const setId = await indexed(pools.from);
  const run = runShape.parse((await copy({ to: 'to', sets: [setId] })).body);
  const path = `/api/v1/backup-sets/${setId}`;
  const { summary } = z.looseObject({ summary: setSummaryShape }).parse((await api.ask('GET', path)).body);
  const tell = (teller: string) =>
    api.ask('PUT', `/agent/v1/sets/${setId}?teller=${teller}`, summary, { as: host.key });
  expect((await tell(testIds('run'))).body).toMatchObject({ code: 'pool_of_set_unknown' });
  expect((await tell(run.id)).status).toBe(204);
  expect((await api.ask('GET', path)).body).toMatchObject({
    poolId: pools.from,
    pools: [{ name: 'from' }, { name: 'to' }],
  });
  expect((await api.ask('GET', `${path}?pool=to`)).body).toMatchObject({ poolId: pools.to });
  expect((await api.ask('GET', `${path}?pool=elsewhere`)).body).toMatchObject({ code: 'set_unknown' });
  const { data } = z
    .looseObject({ data: z.array(z.looseObject({ id: z.string() })) })
    .parse((await api.ask('GET', '/api/v1/backup-sets')).body);
  expect(data.filter(({ id }) => id === setId)).toHaveLength(1);
});

test('a copy between pools that no host reaches both is refused, and one that says nothing', async () => {
  expect((await copy({ to: 'elsewhere', all: true })).body).toMatchObject({ code: 'copy_no_host' });
  expect((await copy({ to: 'to' })).body).toMatchObject({ code: 'copy_nothing' });
  expect((await copy({ to: 'from', all: true })).body).toMatchObject({ code: 'copy_same_pool' });
  expect((await copy({ to: 'to', sets: [testIds('set')] })).body).toMatchObject({ code: 'set_unknown' });
});

test('a rotation that dies between catalog and pool leaves both passphrases to every run', async () => {
  const setId = await indexed(pools.from);
  // The host is not online: the server has noted the next passphrase and cannot reach the pool.
  const next = 'the next passphrase of it';
  const rotate = await api.ask('POST', '/api/v1/pools/to/rotate-key', { passphrase: next });
  expect(rotate.body).toMatchObject({ code: 'host_offline' });
  const run = runShape.parse((await copy({ to: 'to', sets: [setId] })).body);
  expect((await orderOf(run.id)).to.secrets).toEqual({ passphrase: poolSecret, nextPassphrase: next });
  expect(api.log()).not.toContain(next);
});
