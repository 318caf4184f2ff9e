import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { storeScrubbed } from '#catalog/pools/verification.ts';
import { getRun, runEventsAfter } from '#catalog/runs/runs.ts';
import type { HostId, PoolId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { Context } from '#api/context.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';
import type { Scrub } from './scrub.ts';
import { nextToScrub, tellScrubbed } from './scrub.ts';

let api: TestApi;
let place: { readonly hostId: HostId; readonly poolId: PoolId };
let log: BatchSummary;

const budgetBytes = 1000;
const care = { does: 'scrub', depth: 'full', isFollowedByFull: false, budgetBytes } as const;
const sound = { depth: 'full', sets: [], objects: 1, bytes: budgetBytes, damage: [] } as const;

/** A pool of two sets and one batch of log; each of them uses up the budget of a night. */
beforeAll(async () => {
  api = await openTestApi();
  const { catalog } = api.store;
  const { id: hostId } = await newHost(api, 'nights');
  place = { hostId, poolId: await newPool(api, 'nights', hostId, { isPlain: true }) };
  const owner = await newResource(api, { name: 'orders', hostId });
  log = sampleBatch(owner);
  for (let i = 0; i < 2; i++) await indexSet(catalog, sampleSet(owner), place.poolId);
  await indexBatch(catalog, log, place.poolId);
});
afterAll(() => api.close());

async function begin(): Promise<Scrub> {
  const { poolId } = place;
  const spec = { kind: 'care', ...place, care, reconnectMinutes: 1, whenBusy: 'wait' } as const;
  const runId = await begunRun(api, { hostId: place.hostId, spec });
  return { run: await getRun(api.store.catalog, runId), poolId, care };
}

/** What a scrub of one night looks at; each set is read in two nights. */
async function night(): Promise<string[]> {
  const context = { catalog: api.store.catalog } as unknown as Context;
  const scrub = await begin();
  const seen: string[] = [];
  for (;;) {
    const next = await nextToScrub(context, scrub);
    if (next.next === 'nothing') return seen;
    seen.push(next.next);
    const { fromPiece } = next.next === 'set' ? next : { fromPiece: 0 };
    const told =
      next.next === 'batch'
        ? { kind: 'batch' as const, batchId: next.batch.batchId, report: sound }
        : { kind: 'set' as const, setId: next.setId, report: sound, ...(fromPiece === 0 ? { nextPiece: 1 } : {}) };
    await tellScrubbed(context, scrub, told);
  }
}

async function findDamaged(): Promise<void> {
  const object = `logs/${log.systemId}/${log.branchId}/${log.segments[0]?.object ?? ''}`;
  const damage = [{ object, what: 'object_damaged: its SHA-256 does not match' }];
  const { run, poolId } = await begin();
  const told = { kind: 'batch' as const, batchId: log.batchId, report: { ...sound, damage } };
  await storeScrubbed(api.store.catalog, { runId: run.id, poolId }, told);
}

test('K-096 damaged log has its turn among sound sets, also in a pool that is larger than the budget of a night', async () => {
  await findDamaged();
  const nights: string[][] = [];
  for (let i = 0; i < 6; i++) nights.push(await night());
  expect(nights).toEqual([['set'], ['set'], ['set'], ['set'], ['batch'], ['set']]);
});

test('the log of the run says that damaged log is whole again together with its use, once, also when the API died before it answered', async () => {
  const { catalog } = api.store;
  await findDamaged();
  const { run, poolId } = await begin();
  const told = { kind: 'batch' as const, batchId: log.batchId, report: sound };
  const lines = async (): Promise<string[]> =>
    (await runEventsAfter(catalog, run.id, 0, 100))
      .map(({ message }) => message)
      .filter((line) => /whole again/.test(line));
  for (let i = 0; i < 2; i++) {
    await storeScrubbed(catalog, { runId: run.id, poolId }, told);
    expect(await lines()).toEqual([expect.stringContaining(log.batchId)]);
  }
});
