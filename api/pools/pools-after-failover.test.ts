import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { batchSummaryShape } from '#core/settings/shape/committed.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const systemId = '7432109876543210996';
const committed = (at: string) => ({
  ...{ firstCommit: at, lastCommit: at, maxCommit: at },
  marks: [{ lsn: '0/3000180', at }],
});

/** Pool `old` holds the newest set and what the old primary wrote after the failover, pool `new` timeline 2. */
async function failOver(): Promise<void> {
  const { catalog } = api.store;
  const { id: hostId } = await newHost(api, 'failover');
  const old = await newPool(api, 'old', hostId, { isPlain: true });
  const current = await newPool(api, 'new', hostId, { isPlain: true });
  const owner = await newResource(api, { name: 'orders', hostId, systemId });
  const sets = [sampleSet(owner), sampleSet(owner)].sort((a, b) => (a.setId < b.setId ? -1 : 1));
  // The newest set is the one with the last id.
  for (const [i, set] of sets.entries()) await indexSet(catalog, { ...set, systemId }, i === 0 ? current : old);
  const one = sampleBatch(owner);
  const [segment] = one.segments;
  const kept = { ...segment, ...committed('2026-11-21T08:29:00.000000Z') };
  await indexBatch(catalog, batchSummaryShape.parse({ ...one, systemId, segments: [kept] }), old);
  const name = '000000020000000000000003';
  const two = batchSummaryShape.parse({
    ...{ ...one, systemId, batchId: testIds('batch'), timeline: 2, branchId: 'b'.repeat(32) },
    ...{ history: '1\t0/3000160\tno recovery target specified\n', coveredUntil: '2026-11-21T09:00:00.000000Z' },
    segments: [{ ...segment, name, object: name, ...committed('2026-11-21T08:50:00.000000Z') }],
  });
  await indexBatch(catalog, two, current);
}

test('K-095 a point after a failover is planned on the branch that is written now, also when the pool of the newest set knows only the one before', async () => {
  await failOver();
  const plan = async (line: string): Promise<string> => {
    const { out, err } = await runLine(api, `restore plan --resource orders ${line} --to /copy`.split(' '));
    return out === '' ? err : out;
  };
  const time = '--at 2026-11-21T08:25:00Z';
  for (const point of ['--latest', time, '--lsn 0/3000170']) expect(await plan(point)).toMatch(/^timeline {2}2,/m);
  expect(await plan(`${time} --timeline 1`)).toMatch(/^timeline {2}1,/m);
  expect(await plan(`${time} --pool old`)).toMatch(/^timeline {2}1,/m);
});
