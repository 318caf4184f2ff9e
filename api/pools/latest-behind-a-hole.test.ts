import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { storeScrubbed } from '#catalog/pools/verification.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
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

const systemId = '7432109876543210997';

/** Four segments of log behind a set, of which a scrub found the second damaged. */
async function damageTheSecond(): Promise<string> {
  const { catalog } = api.store;
  const { id: hostId } = await newHost(api, 'holes');
  const poolId = await newPool(api, 'holes', hostId, { isPlain: true });
  const owner = await newResource(api, { name: 'orders', hostId, systemId });
  const set = { ...sampleSet(owner), systemId };
  const one = sampleBatch(owner);
  const segments = [3, 4, 5, 6].map((n) => {
    const name = `00000001000000000000000${String(n)}`;
    const at = `2026-11-21T08:1${String(n)}:00.000000Z`;
    return {
      ...{ ...one.segments[0], name, object: name, firstCommit: at, lastCommit: at, maxCommit: at },
      ...{ from: `0/${String(n)}000000`, to: `0/${String(n + 1)}000000`, lastRecord: `0/${String(n)}000180` },
    };
  });
  const batch = batchSummaryShape.parse({ ...one, systemId, to: '0/7000000', segments });
  await indexSet(catalog, set, poolId);
  await indexBatch(catalog, batch, poolId);
  const care = { does: 'scrub', depth: 'full', isFollowedByFull: false } as const;
  const spec = { kind: 'care', hostId, poolId, care, reconnectMinutes: 1, whenBusy: 'wait' } as const;
  const runId = await begunRun(api, { hostId, spec });
  const object = `logs/${systemId}/${batch.branchId}/000000010000000000000004`;
  const damage = [{ object, what: 'object_damaged: flipped' }];
  const report = { depth: 'full' as const, sets: [], objects: 5, bytes: 1, damage };
  await storeScrubbed(catalog, { runId, poolId }, { kind: 'batch', batchId: batch.batchId, report });
  return set.setId;
}

test('K-095 the latest point before damaged log says what it gives up, and in place it wants the point or the set named', async () => {
  const setId = await damageTheSecond();
  const plan = (line: string) => runLine(api, `restore plan --resource orders ${line}`.split(' '));
  const copy = await plan('--latest --to /copy');
  expect(copy.out).toMatch(/1\. GIVES UP KNOWN LOG: it ends at LSN 0\/4000000, last commit 2026-11-21T08:13/);
  expect(copy.out).toContain('log from LSN 0/4000000 to 0/5000000 is missing or damaged');
  const refused = await plan('--latest --in-place');
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toContain('(latest_incomplete)');
  const lsn = /--lsn (\S+?)`/.exec(refused.err)?.[1] ?? '';
  expect((await plan(`--lsn ${lsn} --in-place`)).out).toContain('must reach 0/3000180');
  expect((await plan(`--latest --set ${setId} --in-place`)).out).toContain('GIVES UP KNOWN LOG');
});
