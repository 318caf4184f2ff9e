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
let hostId: HostId;
beforeAll(async () => {
  api = await openTestApi();
  ({ id: hostId } = await newHost(api, 'db1'));
});
afterAll(() => api.close());

const lost = '000000010000000000000004';

/** Four segments of log of a database, in each pool. */
async function logIn(name: string, systemId: string, pools: readonly PoolId[]) {
  const owner = await newResource(api, { name, hostId, systemId });
  const one = sampleBatch(owner);
  const segments = [3, 4, 5, 6].map((n) => {
    const segment = `00000001000000000000000${String(n)}`;
    const at = `2026-11-21T08:1${String(n)}:00.000000Z`;
    return {
      ...{ ...one.segments[0], name: segment, object: segment, firstCommit: at, lastCommit: at, maxCommit: at },
      ...{ from: `0/${String(n)}000000`, to: `0/${String(n + 1)}000000`, lastRecord: `0/${String(n)}000180` },
      marks: [{ lsn: `0/${String(n)}000100`, at }],
    };
  });
  const batch = batchSummaryShape.parse({ ...one, systemId, to: '0/7000000', segments });
  for (const pool of pools) await indexBatch(api.store.catalog, batch, pool);
  return { set: setSummaryShape.parse({ ...sampleSet(owner), systemId }), batch };
}

async function damage(poolId: PoolId, batch: BatchSummary): Promise<void> {
  const care = { does: 'scrub', depth: 'full', isFollowedByFull: false } as const;
  const spec = { kind: 'care', hostId, poolId, care, reconnectMinutes: 1, whenBusy: 'wait' } as const;
  const runId = await begunRun(api, { hostId, spec });
  const object = `logs/${batch.systemId}/${batch.branchId}/${lost}`;
  const report = { depth: 'full' as const, sets: [], objects: 5, bytes: 1, damage: [{ object, what: 'is cut' }] };
  await storeScrubbed(api.store.catalog, { runId, poolId }, { kind: 'batch', batchId: batch.batchId, report });
}

const plan = (line: string) => runLine(api, `restore plan ${line} --to /copy`.split(' '));

test('K-095 a time in log that is damaged in one pool is planned from another that has set and log whole', async () => {
  const first = await newPool(api, 'first', hostId, { isPlain: true });
  const second = await newPool(api, 'second', hostId, { isPlain: true });
  const { set, batch } = await logIn('orders', '7432109876543210901', [first, second]);
  await indexSet(api.store.catalog, set, second);
  await indexSet(api.store.catalog, set, first);
  await damage(first, batch);
  for (const point of ['--at 2026-11-21T08:15:30Z', '--lsn 0/5000100'])
    expect(await plan(`--resource orders ${point}`)).toMatchObject({ code: 0 });
  const refused = await plan('--resource orders --at 2026-11-21T08:15:30Z --pool first');
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toMatch(/but pool second does \(point_needs_other_pool\)/);
  expect(refused.err).toContain('Restore with `--pool second`. Nearest');

  await damage(second, batch);
  expect((await plan('--resource orders --at 2026-11-21T08:15:30Z')).err).toContain('(point_in_gap)');
});

test('K-096 the refusal of a point in damaged log names the pool that has that log whole, and how to get the set there', async () => {
  const third = await newPool(api, 'third', hostId, { isPlain: true });
  const fourth = await newPool(api, 'fourth', hostId, { isPlain: true });
  const { set, batch } = await logIn('bills', '7432109876543210902', [third, fourth]);
  await indexSet(api.store.catalog, set, third);
  await damage(third, batch);
  for (const asked of ['', ' --pool third', ' --pool fourth']) {
    const { err } = await plan(`--resource bills --at 2026-11-21T08:15:30Z${asked}`);
    expect(err).toContain(`but set ${set.setId} of pool third and the log of pool fourth do together`);
    expect(err).toContain(`\`holdfast pool copy --from third --to fourth --set ${set.setId} --wait\``);
  }
  expect((await plan('--resource bills --at 2026-11-21T08:13:00Z')).code).toBe(0);
  expect((await plan('--resource bills --at 2026-11-21T09:00:00Z')).err).toContain('(point_after_latest)');
  // As soon as the set is there, it is planned from there.
  await indexSet(api.store.catalog, set, fourth);
  expect((await plan('--resource bills --at 2026-11-21T08:15:30Z')).code).toBe(0);
});
