import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { moveRun } from '#catalog/runs/runs.ts';
import { getJob } from '#catalog/jobs.ts';
import type { HostId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { drillReportShape, drillVerdictShape } from '#core/settings/shape/drill.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let host: { readonly id: HostId; readonly key: string };
let orders: ResourceId;
let old: { readonly id: PoolId; readonly set: SetId };
const systemId = '888';

beforeAll(async () => {
  api = await openTestApi();
  host = await newHost(api, 'db1');
  orders = await newResource(api, { name: 'orders', hostId: host.id, systemId });
  const id = await newPool(api, 'old', host.id);
  old = { id, set: await backedUp('old', 3, '2026-08-01T08:01:00.000000Z') };
});
afterAll(() => api.close());

const startedShape = z.looseObject({ id: z.string() });

/** Commits a set and the log behind it, both of one segment. */
async function backedUp(pool: string, segment: number, at: string): Promise<SetId> {
  const asked = await api.ask('POST', '/api/v1/runs', { kind: 'log-backup', resource: 'orders', pool });
  const runId = parseId('run', startedShape.parse(asked.body).id);
  const name = `00000001000000000000000${String(segment)}`;
  const [from, to] = [`0/${String(segment)}000000`, `0/${String(segment + 1)}000000`];
  const set = {
    ...{ ...sampleSet(orders, runId), systemId, beganAt: at, endedAt: at, beginSegment: name, endSegment: name },
    ...{ beginLsn: `0/${String(segment)}000028`, endLsn: `0/${String(segment)}000100` },
    backupEndLsn: `0/${String(segment)}000100`,
  };
  const batch = sampleBatch(orders, runId);
  const segments = batch.segments.map((one) => ({
    ...{ ...one, name, object: name, from, to, lastRecord: `0/${String(segment)}000180` },
    ...{ firstCommit: at, lastCommit: at, maxCommit: at },
  }));
  await api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: host.key });
  const told = { ...batch, systemId, from, to, coveredUntil: at, segments };
  await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, told, { as: host.key });
  await moveRun(api.store.catalog, runId, 'cancelled');
  return set.setId;
}

/** Starts the drill of a job and gives the set and pool of its order. */
async function ordered(job: string): Promise<{ readonly run: RunId; readonly set: unknown; readonly pool: unknown }> {
  const started = await api.ask('POST', `/api/v1/jobs/${job}/runs`, {});
  const run = parseId('run', startedShape.parse(started.body).id);
  const order = await api.ask('GET', `/agent/v1/orders/${run}`, undefined, { as: host.key });
  const shape = z.looseObject({
    plan: z.looseObject({ setId: z.string() }),
    pool: z.looseObject({ name: z.string() }),
  });
  const { plan, pool } = shape.parse(order.body);
  return { run, set: plan.setId, pool: pool.name };
}

/** Tells that everything in the instance was as it should be. */
async function told(run: RunId) {
  const checks = [{ name: 'opens', verdict: 'passed', detail: 'x', seconds: 1 }];
  const facts = { checks, secondsByPhase: { fetch: 1 } };
  const answer = await api.ask('POST', `/agent/v1/runs/${run}/drill`, facts, { as: host.key });
  const report = await api.ask('GET', `/api/v1/drills/${run}/report`);
  await moveRun(api.store.catalog, run, 'cancelled');
  const { text } = z.looseObject({ text: z.string() }).parse(report.body);
  return { verdict: drillVerdictShape.parse(answer.body), report: drillReportShape.parse(JSON.parse(text)) };
}

const jobOf = (name: string, where: object = {}): Promise<unknown> =>
  api.ask('POST', '/api/v1/jobs', {
    ...{ name, plan: { type: 'weekly', weekdays: ['sun'], at: '03:00', zone: 'UTC' } },
    work: { kind: 'drill', resource: 'orders', ...where },
  });

test('K-092 K-105 a drill that comes again reads the pool that gets furthest when it begins; a pool that was named stays', async () => {
  await jobOf('orders-drill');
  await jobOf('old-drill', { pool: 'old' });
  expect((await getJob(api.store.catalog, 'orders-drill')).spec).not.toHaveProperty('poolId');
  expect((await getJob(api.store.catalog, 'old-drill')).spec).toHaveProperty('poolId', old.id);
  expect(await ordered('orders-drill').then(async ({ run, ...read }) => [read, (await told(run)).report.pool])).toEqual(
    [
      { set: old.set, pool: 'old' },
      { id: old.id, name: 'old' },
    ],
  );
  // From here on all backups go to another pool.
  await newPool(api, 'next', host.id);
  const set = await backedUp('next', 5, new Date(Date.now() - 7_200_000).toISOString());
  const next = await ordered('orders-drill');
  expect(next).toMatchObject({ set, pool: 'next' });
  expect((await told(next.run)).report).toMatchObject({ isPassed: true, setId: set, pool: { name: 'next' } });
  const named = await ordered('old-drill');
  expect(named).toMatchObject({ set: old.set, pool: 'old' });
  await told(named.run);
});

test('K-092 a drill of what is older than the RPO target, or without one than the drill policy, fails; without either that is not judged', async () => {
  const unjudged = (await told((await ordered('old-drill')).run)).report;
  expect(unjudged).toMatchObject({ isPassed: true, isComplete: true, checks: [{ name: 'opens' }] });
  await api.ask('PUT', '/api/v1/resources/orders/drill-policy', { maxAgeHours: 168 });
  const stale = await told((await ordered('old-drill')).run);
  expect(stale.verdict).toMatchObject({
    isPassed: false,
    failed: [expect.stringMatching(/^recent: .* drill policy allows 7 d$/)],
  });
  const recent = await told((await ordered('orders-drill')).run);
  expect(recent.report).toMatchObject({
    isPassed: true,
    checks: [{ name: 'opens' }, { name: 'recent', verdict: 'passed' }],
  });
  await api.ask('PUT', '/api/v1/resources/orders/target', { rpoSeconds: 3600 });
  const late = await told((await ordered('orders-drill')).run);
  expect(late.verdict).toMatchObject({
    ...{
      isPassed: false,
      failed: [expect.stringMatching(/^recent: .* h before the drill began; the RPO target allows 1 h$/)],
    },
  });
});
