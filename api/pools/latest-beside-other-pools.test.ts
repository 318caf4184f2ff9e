import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import type { PoolId, ResourceId } from '#core/id.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
let held: Awaited<ReturnType<typeof holdInTwoPools>>;
beforeAll(async () => {
  api = await openTestApi();
  held = await holdInTwoPools();
});
afterAll(() => api.close());

const systemId = '7432109876543210996';

/** Pool `near` holds a set and two segments of log, pool `far` these and two more, and no set. */
async function holdInTwoPools() {
  const { id: hostId } = await newHost(api, 'two-pools');
  const near = await newPool(api, 'near', hostId, { isPlain: true });
  const far = await newPool(api, 'far', hostId, { isPlain: true });
  const owner = await newResource(api, { name: 'orders', hostId, systemId });
  const set = { ...sampleSet(owner), systemId };
  await indexSet(api.store.catalog, set, near);
  await holdLog(near, owner, [3, 4]);
  await holdLog(far, owner, [3, 4, 5, 6]);
  return { owner, far, setId: set.setId };
}

async function holdLog(pool: PoolId, owner: ResourceId, numbers: readonly number[]): Promise<void> {
  const one = sampleBatch(owner);
  const segments = numbers.map((n) => {
    const name = `00000001000000000000000${String(n)}`;
    const at = `2026-11-21T08:1${String(n)}:00.000000Z`;
    return {
      ...{ ...one.segments[0], name, object: name, firstCommit: at, lastCommit: at, maxCommit: at },
      ...{ from: `0/${String(n)}000000`, to: `0/${String(n + 1)}000000`, lastRecord: `0/${String(n)}000180` },
    };
  });
  const to = segments[segments.length - 1]?.to ?? one.to;
  const batch = { ...one, batchId: testIds('batch'), systemId, to, segments };
  await indexBatch(api.store.catalog, batchSummaryShape.parse(batch), pool);
}

const plan = (line: string) => runLine(api, `restore plan --resource orders --latest ${line}`.split(' '));

test('K-095 the latest point says what it gives up when the log goes on in a pool that holds log only', async () => {
  for (const line of ['--to /copy', '--to /copy --pool near', `--in-place --set ${held.setId}`]) {
    const { out } = await plan(line);
    expect(out).toContain('must reach 0/4000180');
    expect(out).toMatch(/1\. GIVES UP KNOWN LOG: .* up to LSN 0\/7000000 .* which goes on only in another pool/);
  }
  for (const line of ['--in-place', '--in-place --pool near'])
    expect(await plan(line)).toMatchObject({ code: 3, err: expect.stringContaining('(latest_incomplete)') as string });
});

test('K-095 naming a pool gives up nothing in silence that another pool with a set reaches', async () => {
  await indexSet(api.store.catalog, { ...sampleSet(held.owner), systemId }, held.far);
  const { out } = await plan('--in-place');
  expect(out).toContain('must reach 0/6000180');
  expect(out).not.toContain('GIVES UP');
  expect((await plan('--in-place --pool near')).err).toContain('(latest_incomplete)');
  expect((await plan('--to /copy --pool near')).out).toContain('GIVES UP KNOWN LOG');
});
