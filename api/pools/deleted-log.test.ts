import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { moveRun, runShape } from '#catalog/runs/runs.ts';
import type { TruncationNote } from '#core/care/care-task.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { timelineShape } from '#core/settings/shape/timeline.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const answerShape = z.object({ data: z.array(z.object({ timeline: timelineShape })) });

test('log that a plan deleted is no gap after a rebuild of the catalog: the notes in the pool say so', async () => {
  const { catalog } = api.store;
  const { id: hostId, key } = await newHost(api, 'db1');
  const pool = await newPool(api, 'first', hostId);
  const owner = await newResource(api, { name: 'main', hostId });
  const set = sampleSet(owner);
  const first = sampleBatch(owner);
  const [segment] = first.segments;
  if (segment === undefined) return;
  // Segments 3 and 6 are there, 4 and 5 are not.
  const behind = { ...segment, from: parseLsn('0/6000000'), to: parseLsn('0/7000000') };
  const later = { ...first, batchId: testIds('batch'), from: behind.from, to: behind.to, segments: [behind] };
  await indexSet(catalog, set, pool);
  for (const batch of [first, later]) await indexBatch(catalog, batch, pool);
  const gaps = async () => {
    const { data } = answerShape.parse((await api.ask('GET', '/api/v1/resources/main/timeline')).body);
    return data.flatMap(({ timeline }) => timeline.branches.flatMap((branch) => branch.gaps));
  };
  expect(await gaps()).toMatchObject([{ from: '0/4000000', to: '0/6000000' }]);

  const { systemId, branchId } = first;
  const note: TruncationNote = {
    ...{ noteId: testIds('mark'), runId: testIds('run'), at: set.endedAt, seq: 1, systemId, branchId, links: [] },
    ranges: [{ from: parseLsn('0/4000000'), to: parseLsn('0/6000000') }],
  };
  const tell = () => api.ask('PUT', `/agent/v1/truncations/${note.noteId}`, note, { as: key });
  expect((await tell()).body).toMatchObject({ code: 'pool_of_set_unknown' });
  const rebuild = runShape.parse((await api.ask('POST', '/api/v1/pools/first/rebuild')).body).id;
  expect((await tell()).status).toBe(204);
  expect((await tell()).status).toBe(204);
  await moveRun(catalog, rebuild, 'cancelled');
  expect(await gaps()).toEqual([]);
});
