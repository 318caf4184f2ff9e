import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { unusableSets } from '#catalog/pools/set-standing.ts';
import { scrubCandidates, storeScrubbed, storeVerify } from '#catalog/pools/verification.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { begunRun, newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { sampleSet, sampleSystemId } from '#tests/support/samples.ts';

let api: TestApi;
let place: { readonly hostId: HostId; readonly poolId: PoolId };
let owner: ResourceId;
beforeAll(async () => {
  api = await openTestApi();
  const { id: hostId } = await newHost(api, 'db1');
  place = { hostId, poolId: await newPool(api, 'first', hostId, { isPlain: true }) };
  owner = await newResource(api, { name: 'orders', hostId });
});
afterAll(() => api.close());

const scrubRun = (): Promise<RunId> =>
  begunRun(api, {
    hostId: place.hostId,
    spec: {
      ...{ kind: 'care', ...place, reconnectMinutes: 1, whenBusy: 'wait' },
      care: { does: 'scrub', depth: 'full', isFollowedByFull: false },
    },
  });

test('damage found in one portion of a set stays known after a clean later one, until the whole set is verified', async () => {
  const { catalog } = api.store;
  const { poolId } = place;
  const set = sampleSet(owner);
  const { setId } = set;
  await indexSet(catalog, set, poolId);
  const tell = async (found: readonly string[], portion: { readonly nextPiece?: number }) => {
    const damage = found.map((object) => ({ object, what: 'is cut' }));
    const report = { depth: 'full', sets: [setId], objects: 2, bytes: 1, damage } as const;
    await storeScrubbed(catalog, { runId: await scrubRun(), poolId }, { kind: 'set', setId, report, ...portion });
  };
  const unusable = async () => [...(await unusableSets(catalog, sampleSystemId, poolId)).values()];
  const piece = `sets/${setId}/try_1/piece-000001.bak`;

  await tell([piece], { nextPiece: 5 });
  await tell([], { nextPiece: 9 });
  await tell([], {});
  expect(await unusable()).toEqual([`it is damaged: ${piece} is cut`]);
  // What was read to its end is begun anew the next time.
  expect(await scrubCandidates(catalog, { poolId })).toMatchObject([
    { id: setId, nextPiece: 0, damage: `${piece}: is cut` },
  ]);

  await storeVerify(catalog, { id: setId, poolId }, { depth: 'full', objects: 2, bytes: 1, damage: [] });
  expect(await unusable()).toEqual([]);
});
