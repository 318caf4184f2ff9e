import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { keyOfPiece } from '#agent/sets/read-frame.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { checksOf } from '#agent/verify/checks-of-set.ts';
import { VerifyThreads } from '#agent/verify/verify-threads.ts';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';
import { passphrase, quietStep } from './pools.ts';
import { fixedId, makeTinyLog, makeTinySet, tinyFiles, tinyIds } from './tiny-set.ts';

let minio: Minio;
let pool: Pool;
let access: PoolAccess;
beforeAll(async () => {
  minio = await openMinio();
  access = {
    poolId: fixedId('pool', 8),
    name: 'cloud',
    place: { kind: 's3', endpoint: minio.endPoint, port: minio.port, isTls: false, region: 'us-east-1', bucket: 'sets', prefix: '' },
    secrets: { s3: { accessKey: minio.accessKey, secretKey: minio.secretKey }, passphrase },
  };
  await createPool(access, { nowMs: () => 1_790_000_000_000 });
  pool = await openPool(access);
});
afterAll(async () => {
  await pool.close();
  await minio.close();
});

test('an encrypted set in an S3 pool is committed, verified and read back equal', async () => {
  const summary = await makeTinySet(pool);
  await makeTinyLog(pool);
  const set = await openSet(pool, tinyIds.setId);
  expect(set.meta.summary).toEqual(summary);
  for (const [path, content] of Object.entries(tinyFiles)) expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
  expect((await verifySet(pool, tinyIds.setId, 'full', quietStep)).damage).toEqual([]);
});

test('D-002 threads of a verification open the S3 pool for themselves; a piece that is gone is their finding', async () => {
  const checks = checksOf([await openSet(pool, tinyIds.setId)], false).flatMap(({ pieces }) => pieces);
  const look = async (): Promise<readonly string[]> => {
    const threads = new VerifyThreads(access, quietStep);
    const found: string[] = [];
    try {
      await threads.run(checks, ({ damage }) => found.push(...damage.map(({ what }) => what)));
    } finally {
      await threads.close();
    }
    return found;
  };
  expect(await look()).toEqual([]);
  const [piece] = checks;
  if (piece === undefined) return expect.fail('the set has pieces');
  await pool.store.remove([keyOfPiece(piece.keys, piece.piece)]);
  expect(await look()).toEqual([expect.stringMatching(/^object_missing: /)]);
});
