import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
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
let known: Awaited<ReturnType<typeof failOver>>;
beforeAll(async () => {
  api = await openTestApi();
  known = await failOver();
});
afterAll(() => api.close());

const systemId = '7432109876543210996';
const committed = (at: string) => ({
  ...{ firstCommit: at, lastCommit: at, maxCommit: at },
  marks: [{ lsn: '0/3000180', at }],
});

/** Pool `old` holds the newest set and what the old primary wrote after the failover, pool `new` timeline 2. */
async function failOver() {
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
  return { one: batchSummaryShape.parse({ ...one, systemId }), old };
}

const plan = async (line: string): Promise<string> => {
  const { out, err } = await runLine(api, `restore plan --resource orders ${line} --to /copy`.split(' '));
  return out === '' ? err : out;
};

test('K-095 a point after a failover is planned on the branch that is written now, also when the pool of the newest set knows only the one before', async () => {
  const time = '--at 2026-11-21T08:25:00Z';
  for (const point of ['--latest', time, '--lsn 0/3000170']) {
    expect(await plan(point)).toMatch(/^timeline {2}2,/m);
    expect(await plan(point)).not.toContain('LEAVES YOUNGER LOG');
  }
  expect(await plan(`${time} --timeline 1`)).toMatch(/^timeline {2}1,/m);
  expect(await plan(`${time} --pool old`)).toMatch(/^timeline {2}1,/m);
});

test('K-095 when the timeline before is written on all the same, a plan to the latest point names it, unless the timeline was named', async () => {
  const { one, old } = known;
  const name = '000000010000000000000004';
  const [segment] = one.segments;
  const more = { ...segment, name, object: name, from: '0/4000000', to: '0/5000000', lastRecord: '0/4000180' };
  const later = { from: '0/4000000', to: '0/5000000', coveredUntil: '2026-11-21T09:30:00.000000Z', segments: [more] };
  await indexBatch(api.store.catalog, batchSummaryShape.parse({ ...one, ...later, batchId: testIds('batch') }), old);
  expect(await plan('--latest')).toMatch(/^timeline {2}2,/m);
  expect(await plan('--latest')).toMatch(
    /1\. LEAVES YOUNGER LOG: timeline 2 .* timeline 1 was written longer, up to 2026-11-21T09:30/,
  );
  const shape = z.object({ plan: z.looseObject({ leavesYounger: z.unknown() }) });
  expect(shape.parse(JSON.parse(await plan('--latest --json'))).plan.leavesYounger).toMatchObject({
    ...{ followed: 2, split: '0/3000160', timeline: 1 },
  });
  for (const timeline of ['1', '2']) expect(await plan(`--latest --timeline ${timeline}`)).not.toContain('YOUNGER');
});
