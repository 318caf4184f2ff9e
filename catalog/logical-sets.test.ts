import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostId, JobId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { LogicalSelection } from '#core/logical/selection.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import type { LogicalTask } from '#core/logical/task.ts';
import { logicalSetSummaryShape } from '#core/settings/shape/logical.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { addHost } from './hosts.ts';
import { addJob } from './jobs.ts';
import {
  claimLogicalSet,
  demandLogicalUsable,
  getLogicalSet,
  indexLogicalSet,
  listLogicalSets,
  logicalSetsBeyond,
  recordLogicalRemoval,
  recordLogicalVerify,
} from './logical-sets.ts';
import { addPool } from './pools/pools.ts';
import { removeResource } from './resources/resource-changes.ts';
import { addRun, moveRun } from './runs/runs.ts';

let store: TestCatalog;
const [hostId, poolId]: [HostId, PoolId] = [testIds('host'), testIds('pool')];

beforeAll(async () => {
  store = await openTestCatalog();
  const host = { id: hostId, name: 'h', hostname: 'h', agentVersion: '0.1.0', keySha256: new Uint8Array(32) };
  await addHost(store.catalog, host);
  const place = { kind: 'local', directory: '/pool' } as const;
  const pool = { id: poolId, name: 'p', place, isEncrypted: false, hostId, sealedSecrets: new Uint8Array(1) };
  await addPool(store.catalog, pool);
});
afterAll(() => store.close());

const all: LogicalSelection = { of: 'all' };

const sample = (resourceId: ResourceId, jobId: JobId, selection: LogicalSelection): LogicalSetSummary =>
  logicalSetSummaryShape.parse({
    ...{ setId: testIds('set'), runId: testIds('run'), attemptId: testIds('try'), jobId, resourceId },
    ...{ engine: 'postgresql', serverVersion: 180004, systemId: sampleSystemId, selection },
    ...{ databases: [], dumpTool: { name: 'pg_dump', major: 18, version: 'pg_dump (PostgreSQL) 18.4' } },
    ...{ beganAt: '2026-11-21T08:00:00.000000Z', endedAt: '2026-11-21T08:01:00.000000Z', streamCount: 0 },
    ...{ tableCount: 0, rowCount: 0, rawBytes: 0, storedBytes: 0, pieceCount: 0, isEncrypted: false },
    ...{ warnings: [], toolVersion: '0.0.0-test' },
  });

const indexed = async (
  resourceId: ResourceId,
  jobId: JobId = testIds('job'),
  selection: LogicalSelection = all,
): Promise<SetId> => {
  const set = sample(resourceId, jobId, selection);
  await indexLogicalSet(store.catalog, set, poolId);
  return set.setId;
};

const begin = async (task: LogicalTask): Promise<RunId> => {
  const [id, jobId] = [testIds('run'), testIds('job')];
  const common = { reconnectMinutes: 1, whenBusy: 'wait' as const };
  const spec = { ...common, kind: 'logical-care' as const, hostId, poolId, task, limits: {} };
  await addJob(store.catalog, { id: jobId, name: 'test', spec, createdBy: 'test' });
  await addRun(store.catalog, { id, jobId, spec, hostId, startedBy: 'test' });
  await moveRun(store.catalog, id, 'running');
  return id;
};
const close = (id: RunId): Promise<void> =>
  moveRun(store.catalog, id, 'failed', { state: 'failed', code: 'bug', params: {}, message: 'over' });
const claim = (runId: RunId, set: SetId) => claimLogicalSet(store.catalog, { runId, poolId }, set);

test('K-050 a logical set that a run reads is not deleted, and one that goes is not read', async () => {
  const set = await indexed(testIds('res'));
  const reading = await begin({ does: 'verify', setId: set });
  const removing = await begin({ does: 'remove', sets: [set] });
  expect(await claim(removing, set)).toEqual({ verdict: 'refused', why: `run ${reading} reads it` });
  await close(reading);
  expect(await claim(removing, set)).toEqual({ verdict: 'granted' });
  expect(await claim(removing, set)).toEqual({ verdict: 'granted' });
  await expect(demandLogicalUsable(store.catalog, set)).rejects.toMatchObject({ code: 'logical_set_going' });
  await close(removing);
  expect((await demandLogicalUsable(store.catalog, set)).id).toBe(set);
  const again = await begin({ does: 'remove', sets: [set] });
  await claim(again, set);
  await recordLogicalRemoval(store.catalog, { runId: again, poolId }, { setId: set, isGone: true });
  expect(await claim(again, set)).toEqual({ verdict: 'done' });
  await expect(getLogicalSet(store.catalog, set)).rejects.toMatchObject({ code: 'logical_set_unknown' });
});

test('K-050 the newest sound sets of a job are kept; damaged ones and those of other jobs do not count', async () => {
  const [resourceId, jobId] = [testIds('res'), testIds('job')];
  const sets: SetId[] = [];
  for (let i = 0; i < 4; i++) sets.push(await indexed(resourceId, jobId));
  await indexed(resourceId);
  // Why: ids of one millisecond come in any order.
  sets.sort();
  const [first = testIds('set'), second = testIds('set'), , fourth = testIds('set')] = sets;
  const beyond = async (keep: number): Promise<readonly SetId[]> =>
    (await logicalSetsBeyond(store.catalog, keep, { jobId })).map(({ id }) => id);
  expect(await beyond(2)).toEqual([first, second]);
  await recordLogicalVerify(store.catalog, poolId, { setId: fourth, damage: 'a piece is gone' });
  expect(await beyond(2)).toEqual([first]);
  expect(await beyond(3)).toEqual([]);
  expect((await listLogicalSets(store.catalog, { limit: 3 }, { jobId })).data.map(({ id }) => id)).toEqual(
    [...sets].reverse().slice(0, 3),
  );
});

test('K-050 many sets of one table push no set of everything out, and none of another job by the way', async () => {
  const resourceId = testIds('res');
  const chosen = {
    schemas: [],
    excludeSchemas: [],
    excludeTables: [],
    tables: [{ schema: 'public', table: 'orders' }],
  };
  const orders: LogicalSelection = { of: 'chosen', databases: [{ database: 'app', ...chosen }] };
  const whole = await indexed(resourceId);
  const often: SetId[] = [];
  for (let i = 0; i < 4; i++) often.push(await indexed(resourceId, testIds('job'), orders));
  often.sort();
  const beyond = (await logicalSetsBeyond(store.catalog, 2, { resourceId })).map(({ id }) => id);
  expect(beyond).toEqual(often.slice(0, 2));
  expect(beyond).not.toContain(whole);
});

test('K-050 a resource whose logical sets stay is not forgotten', async () => {
  const resourceId = testIds('res');
  await indexed(resourceId);
  expect(await removeResource(store.catalog, resourceId)).toMatchObject({ sets: 1, isForgotten: false });
});
