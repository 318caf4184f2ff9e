import { describe } from 'vitest';
import { formatId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { openStore } from '#agent/pools/open-store.ts';
import { openMinio } from '#tests/support/minio.ts';
import { testObjectStore } from './object-store.ts';

describe('object port on S3 (MinIO)', () => {
  testObjectStore(async () => {
    const minio = await openMinio();
    const access: PoolAccess = {
      poolId: formatId('pool', 1, new Uint8Array(10)),
      name: 's3',
      place: {
        kind: 's3',
        endpoint: minio.endPoint,
        port: minio.port,
        isTls: false,
        region: 'us-east-1',
        bucket: 'contract',
        prefix: 'pool/',
      },
      secrets: { s3: { accessKey: minio.accessKey, secretKey: minio.secretKey } },
    };
    await createPool(access, { nowMs: () => 0 });
    const store = openStore(access);
    const close = async (): Promise<void> => {
      await store.close();
      await minio.close();
    };
    return { store, again: () => openStore(access), close };
  });
});
