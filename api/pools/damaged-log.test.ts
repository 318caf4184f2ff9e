import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { storeScrubbed } from '#catalog/pools/verification.ts';
import type { HostId, PoolId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { batchSummaryShape, setSummaryShape } from '#core/settings/shape/committed.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const holdfast = (line: string) => runLine(api, line.split(' '));

/** A scrub finds one segment of a batch damaged. */
async function scrubbed(hostId: HostId, poolId: PoolId, batch: BatchSummary, segment: string): Promise<void> {
  const care = { does: 'scrub', depth: 'full', isFollowedByFull: false } as const;
  const runId = await begunRun(api, {
    hostId,
    spec: { kind: 'care', hostId, poolId, care, reconnectMinutes: 1, whenBusy: 'wait' },
  });
  const object = `logs/${batch.systemId}/${batch.branchId}/${segment}`;
  const report = { depth: 'full', objects: 1, bytes: 1, damage: [{ object, what: 'is cut' }] } as const;
  const told = { kind: 'batch', batchId: batch.batchId, report } as const;
  await storeScrubbed(api.store.catalog, { runId, poolId }, told);
}

test('K-096 a time whose commits lie in log that a scrub found damaged is refused with the last one that is reached', async () => {
  const { id: hostId } = await newHost(api, 'db1');
  const poolId = await newPool(api, 'first', hostId, { isPlain: true });
  const owner = await newResource(api, { name: 'orders', hostId });
  const one = sampleBatch(owner);
  const lost = '000000010000000000000004';
  const at = '2026-11-21T08:25:00.000000Z';
  const second = {
    ...{ ...one.segments[0], name: lost, object: lost, from: '0/4000000', to: '0/5000000', lastRecord: '0/4000180' },
    ...{ firstCommit: at, lastCommit: at, maxCommit: at, marks: [{ lsn: '0/4000100', at }] },
  };
  const batch = batchSummaryShape.parse({ ...one, to: '0/5000000', segments: [...one.segments, second] });
  await indexSet(api.store.catalog, sampleSet(owner), poolId);
  await indexBatch(api.store.catalog, batch, poolId);
  const plan = (minute: number) =>
    holdfast(`restore plan --resource orders --at 2026-11-21T08:${String(minute)}:00Z --to /copy`);
  expect((await plan(28)).code).toBe(0);

  await scrubbed(hostId, poolId, batch, lost);
  const refused = await plan(28);
  expect(refused.err).toMatch(/2026-11-21T08:20:00/);
  expect(refused.code).not.toBe(0);
  expect((await plan(20)).code).toBe(0);
  expect((await holdfast('timeline orders')).out).toMatch(/covered until 2026-11-21 08:20:00Z/);
});

test('D-021 a set without its log whose log was found damaged is not the newest good one: the older full stays', async () => {
  const { id: hostId } = await newHost(api, 'db2');
  const poolId = await newPool(api, 'second', hostId, { isPlain: true });
  const systemId = '7432109876543210999';
  const owner = await newResource(api, { name: 'bills', hostId, systemId });
  const older = { ...sampleSet(owner), systemId };
  const later = '000000010000000000000004';
  const newer = setSummaryShape.parse({
    ...{ ...older, ...sampleSet(owner), systemId, isConsistent: false, beginLsn: '0/4000028', endLsn: '0/4000100' },
    ...{ backupEndLsn: '0/4000100', beginSegment: later, endSegment: later },
    ...{ beganAt: '2026-11-21T09:00:00.000000Z', endedAt: '2026-11-21T09:01:00.000000Z' },
  });
  const one = sampleBatch(owner);
  const place = { from: '0/4000000', to: '0/5000000' };
  const batch = batchSummaryShape.parse({
    ...{ ...one, systemId, ...place, coveredUntil: '2026-11-21T09:30:00.000000Z' },
    segments: [{ ...one.segments[0], name: later, object: later, ...place, lastRecord: '0/4000180' }],
  });
  for (const set of [older, newer]) await indexSet(api.store.catalog, set, poolId);
  await indexBatch(api.store.catalog, batch, poolId);
  await holdfast('retention set --resource bills --pool second --fulls 1');
  const fate = async (set: string): Promise<string> =>
    (await holdfast('retention plan --resource bills --pool second')).out
      .split('\n')
      .find((line) => line.includes(set)) ?? '';
  expect(await fate(older.setId)).toMatch(/^DELETE/);

  await scrubbed(hostId, poolId, batch, later);
  expect(await fate(older.setId)).toMatch(/^keep .*newest good set/);
  expect(await fate(newer.setId)).toMatch(/^keep (?!.*newest good set)/);
  const shown = await holdfast(`set show ${newer.setId}`);
  expect(shown.out).toMatch(/CANNOT BE RESTORED: a scrub found its log damaged: without that, log from 0\/4000028 /);
  expect(shown.out).not.toMatch(/back up the log/);
});
