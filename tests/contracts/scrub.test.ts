import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { moveRun } from '#catalog/runs/runs.ts';
import type { OrderOf } from '#core/agent/order.ts';
import type { CareReport } from '#core/care/care-report.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';
import { branchPrefix, logReferencesKey, logSegmentKey, pieceKey } from '#core/format/object-key.ts';
import type { PoolId, ResourceId, RunId, SetId } from '#core/id.ts';
import { scrubCandidateShape } from '#core/settings/shape/scrub.ts';
import { careForPool } from '#agent/care/care-for-pool.ts';
import { readMarks } from '#agent/care/marks.ts';
import type { ApiChannel } from '#agent/channel.ts';
import { openChannel } from '#agent/channel.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { listSets } from '#agent/sets/list-sets.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { testIds } from '#tests/support/catalog.ts';
import { openFolder } from '#tests/support/folder.ts';
import { runLine } from '#tests/support/command-line.ts';
import { quietStep } from '../repositories/pools.ts';
import { lastIds, makeTinyChain, middleIds } from '../repositories/tiny-chain.ts';
import { makeTinyLog, tinyIds, tinyLog } from '../repositories/tiny-set.ts';
import { listShape } from '#api/routes/words.ts';

// A real API, a real pool and the agent's own code over its channel; only Temporal in between is left out.

const folder = openFolder('hf-scrub-');
let api: TestApi;
let channel: ApiChannel;
let hostId: Awaited<ReturnType<typeof newHost>>['id'];
let resourceId: ResourceId;
let pool: Pool & { readonly directory: string };
let pools = 0;

beforeAll(async () => {
  api = await openTestApi();
  const host = await newHost(api, 'db1');
  hostId = host.id;
  channel = openChannel(api.url, host.key);
  resourceId = await newResource(api, { name: 'main', hostId, systemId: tinyLog.systemId });
});
afterAll(async () => {
  await api.close();
  folder.remove();
});

/** Each test has a pool of its own with a chain of three sets and one batch of log. */
beforeEach(async () => {
  pools += 1;
  const name = `pool${String(pools)}`;
  const directory = `${folder.path}/${name}`;
  const poolId: PoolId = await newPool(api, name, hostId, { directory, isPlain: true });
  const access = { poolId, name, place: { kind: 'local' as const, directory }, secrets: {} };
  await createPool(access, { nowMs: () => Date.now() });
  pool = { ...(await openPool(access)), directory };
  await makeTinyChain(pool);
  const batch = await makeTinyLog(pool);
  for await (const found of listSets(pool))
    if ('summary' in found) await indexSet(api.store.catalog, { ...found.summary, resourceId }, poolId);
  await indexBatch(api.store.catalog, { ...batch, resourceId }, poolId);
});

const runShape = z.looseObject({ id: z.string() });
async function start(body: object = {}): Promise<RunId> {
  const { status, body: run } = await api.ask('POST', `/api/v1/pools/${pool.name}/scrub`, body);
  expect(status, JSON.stringify(run)).toBe(202);
  return runShape.parse(run).id as RunId;
}

/** What the agent does for a run; what the run ended with is told to the catalog as its workflow would. */
async function work(runId: RunId, changes: Partial<ApiChannel> = {}): Promise<CareReport> {
  const order = (await channel.order(runId)) as OrderOf<'care'>;
  const deps = { home: folder.path, clock: { nowMs: () => Date.now() }, newId: testIds };
  return careForPool({ ...deps, channel: { ...channel, ...changes } })(order, { ...quietStep, runId });
}
async function scrub(body: object = {}): Promise<CareReport | HoldfastError> {
  const runId = await start(body);
  try {
    return await work(runId);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  } finally {
    await moveRun(api.store.catalog, runId, 'cancelled');
  }
}
async function listed(): Promise<readonly z.output<typeof scrubCandidateShape>[]> {
  const { body } = await api.ask('GET', `/api/v1/pools/${pool.name}/scrub`);
  return listShape(scrubCandidateShape).parse(body).data;
}
const show = async (setId: SetId): Promise<unknown> =>
  (await api.ask('GET', `/api/v1/backup-sets/${setId}?pool=${pool.name}`)).body;

function flip(object: string, at: number): void {
  const path = `${pool.directory}/${object}`;
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

describe('a scrub of a sound pool', () => {
  test('reads every set and all log once, and what was looked at longest ago comes first the next time', async () => {
    const before = await listed();
    expect(before.map(({ id }) => id)).toHaveLength(4);
    expect(before.every(({ checkedAt }) => checkedAt === null)).toBe(true);
    expect(await scrub()).toMatchObject({ sets: 3, batches: 1, warnings: [] });
    const after = await listed();
    expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    expect(after.map(({ checkedAt }) => checkedAt)).toEqual([...after.map(({ checkedAt }) => checkedAt)].sort());
    expect(await show(lastIds.setId)).toMatchObject({ verifyReport: { depth: 'full', damage: [] } });
  });

  test('ends at its budget, and the next one goes on where it was, in the middle of a set too', async () => {
    const seen: string[] = [];
    for (let i = 0; i < 20; i++) {
      const [next] = await listed();
      if (next?.checkedAt !== null) break;
      seen.push(`${next.id} ${String(next.nextPiece)}`);
      const report = await scrub({ budgetBytes: 1 });
      expect(report).toMatchObject({ objects: 1 });
    }
    // Each set has two pieces, and one piece is read whatever the budget is.
    expect(seen).toHaveLength(3 * 2 + 1);
    expect(new Set(seen).size).toBe(seen.length);
    expect((await listed()).every(({ checkedAt }) => checkedAt !== null)).toBe(true);
  });

  test('begins a set anew where earlier portions were read less deep: pages are claimed only of what was read for pages', async () => {
    await scrub({ budgetBytes: 1 });
    const first = (await listed()).find(({ nextPiece }) => nextPiece > 0);
    expect(first).toMatchObject({ kind: 'set', nextPiece: 1 });
    // One piece of two is read: the first one again, not the last.
    await scrub({ budgetBytes: 1, depth: 'page' });
    expect((await listed()).find(({ id }) => id === first?.id)).toMatchObject({ nextPiece: 1 });
  });

  test('goes on behind what it told before, when its agent was killed', async () => {
    const runId = await start();
    let told = 0;
    const dying: Partial<ApiChannel> = {
      tellScrubbed: async (run, what) => {
        if (++told > 2) throw fail('api_unavailable', { url: '', request: '', cause: 'killed' });
        await channel.tellScrubbed(run, what);
      },
    };
    await expect(work(runId, dying)).rejects.toMatchObject({ code: 'api_unavailable' });
    let asked = 0;
    const counting: Partial<ApiChannel> = {
      nextToScrub: async (run) => {
        asked += 1;
        return channel.nextToScrub(run);
      },
    };
    expect(await work(runId, counting)).toMatchObject({ sets: 3, batches: 1 });
    expect(asked).toBe(2 + 1);
    await moveRun(api.store.catalog, runId, 'cancelled');
  });

  test('looks at pages where that is asked for, and only at what is of the resource that is named', async () => {
    await newResource(api, { name: `other${String(pools)}`, hostId, systemId: '7500000000000000099' });
    expect(await scrub({ resource: `other${String(pools)}` })).toMatchObject({ sets: 0, batches: 0 });
    // What the sets of this test call a relation has no page header.
    const found = await scrub({ depth: 'page', resource: 'main' });
    expect(found).toMatchObject({ code: 'scrub_found_damage', class: 'corrupt' });
    expect(found).toMatchObject({ message: expect.stringContaining('page_damaged_in_set') as string });
  });
});

describe('a scrub that finds damage', () => {
  const middlePiece = pieceKey(middleIds.setId, middleIds.attemptId, 1);

  test('puts the set into quarantine, in its pool too, and everything that builds on it out of use', async () => {
    flip(middlePiece, 40);
    const found = await scrub();
    expect(found).toMatchObject({
      code: 'scrub_found_damage',
      class: 'corrupt',
      params: { count: '1', looked: '4', object: middlePiece },
    });
    const { marks } = await readMarks(pool, middleIds.setId);
    expect(marks).toMatchObject([{ kind: 'quarantine', by: 'scrub' }]);
    expect(marks[0]?.text).toContain(middlePiece);
    expect(await show(middleIds.setId)).toMatchObject({
      standing: { isQuarantined: true },
      verifyReport: { damage: [{ object: middlePiece }] },
    });
    expect(await show(lastIds.setId)).toMatchObject({
      standing: { isQuarantined: false },
      unusable: expect.stringContaining(middleIds.setId) as string,
    });
    expect((await listed()).filter(({ damage }) => damage !== null).map(({ id }) => id)).toEqual([middleIds.setId]);
    // Known damage is not read again and again.
    expect(await scrub()).toMatchObject({ sets: 2, batches: 1 });
    const { code, out } = await runLine(api, ['pool', 'scrub', pool.name, '--plan']);
    expect(code).toBe(0);
    expect(out).toContain(`DAMAGED ${middlePiece}`);
  });

  test('starts a full backup where it was asked to, once, and none when a good full is newer', async () => {
    flip(middlePiece, 40);
    flip(pieceKey(tinyIds.setId, tinyIds.attemptId, 1), 40);
    const fulls = async (): Promise<number> => {
      const { body } = await api.ask('GET', '/api/v1/runs?resource=main');
      const rows = listShape(
        z.looseObject({ id: z.string(), kind: z.string(), startedBy: z.string(), state: z.string() }),
      ).parse(body).data;
      return rows.filter(({ kind, startedBy }) => kind === 'full-backup' && startedBy.startsWith('scrub run_')).length;
    };
    const before = await fulls();
    expect(await scrub()).toMatchObject({ code: 'scrub_found_damage', params: { count: '2' } });
    expect(await fulls()).toBe(before);
    await api.ask('POST', `/api/v1/backup-sets/${tinyIds.setId}/verify?pool=${pool.name}`, {});
    flip(pieceKey(lastIds.setId, lastIds.attemptId, 1), 40);
    expect(await scrub({ isFollowedByFull: true })).toMatchObject({
      code: 'scrub_found_damage',
      params: { count: '1' },
    });
    expect(await fulls()).toBe(before + 1);
  });

  test('warns of block references that are lost: the log is sound, stays in use, and is looked at again', async () => {
    const { systemId, branchId } = tinyLog;
    const batch = await makeTinyLog(pool);
    const key = logReferencesKey(systemId, branchId, '0000000000300000', batch.batchId);
    const object = key.slice(branchPrefix(systemId, branchId).length);
    const references = { object, from: batch.from, to: batch.to, storedSha256: sha256Hex(''), storedBytes: 9 };
    await api.store.catalog.change('update log_batch set summary = summary || $2 where pool_id = $1', [
      ...[pool.id, JSON.stringify({ references })],
    ]);
    const warning = { code: 'log_references_unreadable', detail: expect.stringContaining(object) as string };
    expect(await scrub({ isFollowedByFull: true })).toMatchObject({ sets: 3, batches: 1, warnings: [warning] });
    expect((await listed()).filter(({ damage }) => damage !== null)).toEqual([]);
  });

  const logObject = logSegmentKey(tinyLog.systemId, tinyLog.branchId, tinyLog.name);

  async function stretches(): Promise<readonly unknown[] | undefined> {
    const { body } = await api.ask('GET', '/api/v1/resources/main/timeline');
    const shape = listShape(
      z.looseObject({
        poolName: z.string(),
        timeline: z.looseObject({ branches: z.array(z.looseObject({ stretches: z.array(z.unknown()) })) }),
      }),
    );
    const here = shape.parse(body).data.find(({ poolName }) => poolName === pool.name);
    return here?.timeline.branches.flatMap((branch) => branch.stretches);
  }

  test('K-096 takes damaged log out of the timeline, so that nothing is planned over it', async () => {
    flip(logObject, 100);
    expect(await scrub()).toMatchObject({ code: 'scrub_found_damage', params: { count: '1' } });
    expect(await stretches()).toEqual([]);
    const { out } = await runLine(api, ['timeline', 'main']);
    expect(out).toContain(`DAMAGED ${logObject}`);
  });

  test('D-002 K-096 a later scrub puts damaged log into use again once its very bytes are back, also for a rebuilt catalog', async () => {
    const whole = readFileSync(`${pool.directory}/${logObject}`);
    flip(logObject, 100);
    expect(await scrub()).toMatchObject({ code: 'scrub_found_damage' });
    // As long as it is damaged it stays out of use, and is told once: a nightly scrub would fail for ever.
    expect(await scrub({ isFollowedByFull: true })).toMatchObject({ sets: 3, batches: 1 });
    expect(await stretches()).toEqual([]);
    // What was put there is another damage of the same object.
    writeFileSync(`${pool.directory}/${logObject}`, whole.subarray(0, -1));
    await scrub();
    expect(await stretches()).toEqual([]);

    writeFileSync(`${pool.directory}/${logObject}`, whole);
    const runId = await start();
    await work(runId);
    await moveRun(api.store.catalog, runId, 'cancelled');
    const { out } = await runLine(api, ['run', 'logs', runId]);
    expect(out).toMatch(/log batch batch_\w+ was found damaged before and is whole again/);
    expect(await stretches()).toHaveLength(1);
    expect((await listed()).filter(({ damage }) => damage !== null)).toEqual([]);
    // Told again by a rebuild, it stays as it is.
    const batch = await makeTinyLog(pool);
    await indexBatch(api.store.catalog, { ...batch, resourceId }, pool.id);
    expect(await stretches()).toHaveLength(1);
  });
});
