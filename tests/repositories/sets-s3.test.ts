import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';
import { passphrase, quietStep } from './pools.ts';
import { fixedId, makeTinyLog, makeTinySet, tinyFiles, tinyIds } from './tiny-set.ts';

let minio: Minio;
let pool: Pool;
beforeAll(async () => {
  minio = await openMinio();
  const access: PoolAccess = {
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
