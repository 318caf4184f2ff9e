import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexSet } from '#catalog/backup-sets.ts';
import { addHost } from '#catalog/hosts.ts';
import { addPool } from '#catalog/pools/pools.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { runShape } from '#catalog/runs/runs.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { testIds } from '#tests/support/catalog.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleSet, sampleSystemId } from '#tests/support/samples.ts';
import { makeBearer } from '#api/http/bearer.ts';

let api: TestApi;
const [hostId, poolId, resourceId] = [testIds('host'), testIds('pool'), testIds('res')];
beforeAll(async () => {
  api = await openTestApi();
  const keySha256 = makeBearer('hfh', hostId).sha256;
  await addHost(api.store.catalog, { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256 });
  const found = {
    ...{ engine: 'postgresql', dataDirectory: '/data', port: 5432, socket: '/tmp', serverMajor: 18, isRunning: true },
    systemId: sampleSystemId,
  };
  await registerResource(api.store.catalog, { id: resourceId, hostId, name: 'main', found });
  await addPool(api.store.catalog, {
    ...{ id: poolId, name: 'first', place: { kind: 'local', directory: '/pool' }, hostId },
    ...{ isEncrypted: false, sealedSecrets: new Uint8Array(1) },
  });
});
afterAll(() => api.close());

const holdfast = (line: string) => runLine(api, line.split(' '));

test('a set that its verification found damaged counts no longer: an older good one stays, and everything says why', async () => {
  const older = sampleSet(resourceId);
  const later = parseSegmentName('000000010000000000000004');
  const newer = {
    ...sampleSet(resourceId),
    ...{ beginLsn: parseLsn('0/4000028'), endLsn: parseLsn('0/4000100'), backupEndLsn: parseLsn('0/4000100') },
    ...{ beginSegment: later, endSegment: later },
  };
  for (const set of [older, newer]) await indexSet(api.store.catalog, set, poolId);
  await holdfast('retention set --resource main --pool first --fulls 1');
  const fate = async (set: string): Promise<string> =>
    (await holdfast('retention plan --resource main --pool first')).out
      .split('\n')
      .find((line) => line.includes(set)) ?? '';
  expect(await fate(older.setId)).toMatch(/^DELETE/);

  const started = await holdfast(`set verify ${newer.setId} --json`);
  const { id } = runShape.parse(JSON.parse(started.out));
  const object = `sets/${newer.setId}/try_1/piece-000001.bak`;
  const params = { set: newer.setId, count: '1', object, what: 'is cut' };
  await openRunBook(api.store.catalog).close(id, { state: 'failed', code: 'set_damaged', params, message: 'damaged' });

  const watched = await holdfast(`run watch ${id}`);
  expect(watched.code).toBe(7);
  expect(watched.err).toMatch(/counts as good no longer: nothing is restored from it or built on it/);
  expect(await fate(older.setId)).toMatch(/^keep/);
  expect((await holdfast('set ls')).out).toMatch(new RegExp(`${newer.setId} .*DAMAGED`));
  expect((await holdfast(`set show ${newer.setId}`)).out).toContain(
    `CANNOT BE RESTORED: it is damaged: ${object} is cut`,
  );
  const refused = await holdfast('restore plan --resource main --immediate --to /copy');
  expect(refused.err).toMatch(/point_needs_excluded_set/);
});
