import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { branchIdOf, sha256Hex } from '#agent/codec/hash.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { archived, clock, newId, stageOn, writeRows } from '#tests/support/log-stage.ts';
import { bucketOf, openMinio } from '#tests/support/minio.ts';

test('K-049 many segments at once reach an S3 pool byte for byte', async () => {
  const minio = await openMinio();
  onTestFinished(() => minio.close());
  const stage = await stageOn();
  for (let i = 0; i < 6; i++) {
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
  }
  const access = { poolId: newId('pool'), name: 'remote', ...bucketOf(minio, 'log') };
  await createPool(access, clock);
  const { segments } = await stage.backUp({
    pools: [access],
    options: { ...stage.order().options, channels: 2 },
  });
  expect(segments).toBe(archived(stage).length);
  expect(segments).toBeGreaterThanOrEqual(6);
  const pool = await openPool(access);
  for (const { name, object, rawSha256 } of stage.told.flatMap((batch) => batch.segments)) {
    const key = keyOfLog({ systemId: stage.systemId, branchId: branchIdOf(''), name: object });
    const raw = await getLogSegment(pool, key, rawSha256);
    expect(sha256Hex(raw)).toBe(sha256Hex(readFileSync(join(stage.server.archiveDirectory, name))));
  }
  await pool.close();
});
