import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFrame, sha256Hex } from '#agent/codec/frame.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { openStore } from '#agent/pools/open-store.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { openCopyFixture, sourceFile } from '#tests/support/copy.ts';
import { openMinio } from '#tests/support/minio.ts';

test('K-047 puts pieces to S3 from the threads and sends none of them again', async () => {
  const minio = await openMinio();
  const fixture = await openCopyFixture();
  try {
    const { endPoint: endpoint, port, accessKey, secretKey } = minio;
    const shape = { isTls: false, region: 'us-east-1', bucket: 'copies', prefix: '' };
    const place = { kind: 's3', endpoint, port, ...shape } as const;
    const pool: PoolAccess = { ...fixture.pool, place, secrets: { s3: { accessKey, secretKey } } };
    await createPool(pool, { nowMs: () => Date.now() });
    mkdirSync(join(fixture.folder, 'data'));
    const bytes = randomBytes(30 * 1_048_576 + 5);
    writeFileSync(join(fixture.folder, 'data', 'big'), bytes);
    const files = [sourceFile(join(fixture.folder, 'data'), 'big')];
    const result = await fixture.copy(files, { pool });
    const store = openStore(pool);
    const parts = await Promise.all(
      ([...result.members][0]?.extents ?? []).map(async ({ frame: index }) => {
        const frame = result.frames[index];
        const piece = result.pieces[frame?.pieceIndex ?? -1];
        if (frame === undefined || piece === undefined) return Buffer.alloc(0);
        const key = pieceKey(fixture.set.setId, piece.attempt, piece.piece);
        const stored = await store.get(key, { from: frame.offset, length: frame.storedBytes });
        expect(sha256Hex(stored)).toBe(frame.sha256);
        return openFrame(stored, frameLockOf(fixture.set, piece.attempt, key, frame.offset));
      }),
    );
    await store.close();
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect((await fixture.copy(files, { pool })).bytesSent).toBe(0);
  } finally {
    fixture.close();
    await minio.close();
  }
});
