import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ClaimVerdict } from '#core/care/care-task.ts';
import { decideRemoval } from '#core/care/remove-set.ts';
import type { CarePlan } from '#core/care/retention-plan.ts';
import { decideRetention } from '#core/care/retention.ts';
import { deletionsOf } from '#core/care/same-world.ts';
import type { HostId, PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import { instanceIn } from '#tests/support/api-fixtures.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { indexSet } from '#catalog/backup-sets.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import { careWorld, isTurned } from './care-world.ts';
import { claimDeletion, recordDeletion } from './deletions.ts';
import { addPool, getPool } from './pools.ts';
import { storePlan, storePolicy, takePlan } from './retention.ts';
import { storeVerify } from './verification.ts';

let store: TestCatalog;
let hostId: HostId;
let poolId: PoolId;
let resourceId: ResourceId;
const now = (): Instant => instantFromMs(Date.now());
const granted: ClaimVerdict = { verdict: 'granted' };

beforeAll(async () => {
  store = await openTestCatalog();
  hostId = testIds('host');
  const host = { id: hostId, name: 'h', hostname: 'h', agentVersion: '0.1.0', keySha256: new Uint8Array(32) };
  await addHost(store.catalog, host);
  const found = instanceIn('/main', sampleSystemId);
  resourceId = await registerResource(store.catalog, { id: testIds('res'), hostId, name: 'main', found });
});
afterAll(() => store.close());
beforeEach(async () => {
  poolId = testIds('pool');
  const place = { kind: 'local', directory: `/${poolId}` } as const;
  const pool = { id: poolId, name: poolId, place, isEncrypted: false, hostId, sealedSecrets: new Uint8Array(1) };
  await addPool(store.catalog, pool);
  const policy = { rule: { kind: 'fulls' as const, count: 1 }, minimumFulls: 1 };
  await storePolicy(store.catalog, { poolId, resourceId, policy, setBy: 'test' });
});

async function indexed(): Promise<SetSummary> {
  const set = sampleSet(resourceId);
  await indexSet(store.catalog, set, poolId);
  return set;
}

/** A run that executes what is decided now: the policy, or the removal of one set. */
async function runOfPlan(removed?: SetId): Promise<RunId> {
  const [planId, runId, jobId, madeAt] = [testIds('plan'), testIds('run'), testIds('job'), now()];
  const spec = {
    ...{ kind: 'care' as const, hostId, poolId, care: { does: 'plan' as const, planId } },
    ...{ reconnectMinutes: 1, whenBusy: 'wait' as const },
  };
  await addJob(store.catalog, { id: jobId, name: 'test', spec, createdBy: 'test' });
  await addRun(store.catalog, { id: runId, jobId, spec, hostId, startedBy: 'test' });
  await moveRun(store.catalog, runId, 'running');
  const world = await careWorld(store.catalog, { resourceId, pool: await getPool(store.catalog, poolId) }, madeAt);
  const verdicts = removed === undefined ? decideRetention(world) : decideRemoval(world, removed);
  const plan: CarePlan = {
    ...{ planId, kind: removed === undefined ? 'retention' : 'remove', poolId, resourceId, madeAt },
    ...{ worldSha256: '0'.repeat(64), deletedBytes: 0, ...verdicts },
  };
  await storePlan(store.catalog, plan, { sets: deletionsOf(verdicts).sets, log: [] }, 'test');
  await takePlan(store.catalog, planId, runId);
  return runId;
}

const claim = (runId: RunId, setId: SetId, isGone?: true): Promise<ClaimVerdict> =>
  claimDeletion(
    store.catalog,
    { runId, poolId, now: now() },
    { kind: 'set', setId, ...(isGone === true ? { isGone } : {}) },
  );
const damage = ({ setId }: SetSummary): Promise<void> =>
  storeVerify(
    store.catalog,
    { id: setId, poolId },
    { depth: 'full', sets: [setId], objects: 1, bytes: 1, damage: [{ object: `sets/${setId}/x`, what: 'flipped' }] },
  );
const staying = ({ setId }: SetSummary): ClaimVerdict => ({
  ...{ verdict: 'refused', why: expect.stringContaining(`${setId} cannot be restored as it is`) as string },
});

test('the last good full is not deleted when the set that was to stay is found damaged while the plan goes on', async () => {
  const [first, second, newest] = [await indexed(), await indexed(), await indexed()];
  const care = await runOfPlan();
  expect(await claim(care, second.setId)).toEqual(granted);
  const told = { kind: 'set', setId: second.setId, step: 'done' } as const;
  await recordDeletion(store.catalog, { runId: care, poolId, now: now() }, told);
  await damage(newest);
  expect(await claim(care, first.setId)).toEqual(staying(newest));
});

test('a claim decides anew only when damage or a mark was told since the plan was made', async () => {
  const { catalog } = store;
  const [, newest] = [await indexed(), await indexed()];
  const turned = (sinceMs: number): Promise<boolean> => isTurned(catalog, poolId, instantFromMs(sinceMs));
  expect(await turned(Date.now())).toBe(false);
  await damage(newest);
  expect(await turned(Date.now())).toBe(true);
  expect(await turned(Date.now() + 2 * 3_600_000)).toBe(false);
});

test('a plan of which nothing else is known goes to its end, the set that is kept stays', async () => {
  const [first, second, newest] = [await indexed(), await indexed(), await indexed()];
  const care = await runOfPlan();
  for (const { setId } of [second, first]) {
    expect(await claim(care, setId)).toEqual(granted);
    await recordDeletion(store.catalog, { runId: care, poolId, now: now() }, { kind: 'set', setId, step: 'done' });
  }
  expect(await claim(care, newest.setId)).toMatchObject({ verdict: 'refused' });
});

test('a set that was claimed by an agent that was lost is decided on once more, unless its commit point is gone', async () => {
  const [gone, whole, newest] = [await indexed(), await indexed(), await indexed()];
  const care = await runOfPlan();
  for (const { setId } of [whole, gone]) expect(await claim(care, setId)).toEqual(granted);
  await damage(newest);
  expect(await claim(care, gone.setId, true)).toEqual(granted);
  expect(await claim(care, whole.setId)).toEqual(staying(newest));
  const [row] = await store.catalog.rows(
    z.object({ state: z.string() }),
    'select state from deletion where run_id = $1 and object = $2',
    [care, whole.setId],
  );
  expect(row?.state).toBe('kept');
});

test('a set that an operator wants gone goes, whatever is found of others meanwhile', async () => {
  const [old, newest] = [await indexed(), await indexed()];
  const care = await runOfPlan(old.setId);
  await damage(newest);
  expect(await claim(care, old.setId)).toEqual(granted);
});
