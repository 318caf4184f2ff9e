import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { logBatchKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import { putTruncation } from '#agent/care/truncation.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { newTestId } from '#tests/support/backup.ts';
import type { StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

const segmentMiB = 1;
const segmentBytes = segmentMiB * 1024 * 1024;

let stage: StreamStage;
afterEach(async () => {
  await stage.close();
});

async function written(): Promise<number> {
  const [row] = await stage.postgres.sql('select pg_current_wal_flush_lsn()::text as lsn');
  return lsnToNumber(parseLsn(String(row?.['lsn'])));
}

/** Ends in the middle of a segment. */
async function writeSegments(count: number, value: number): Promise<void> {
  const { postgres } = stage;
  for (let i = 0; i < count; i++) {
    await postgres.sql(`insert into t values (${String(value)})`);
    await postgres.sql('select pg_switch_wal()');
  }
  await postgres.sql(`insert into t select ${String(value)} from generate_series(1, 100)`);
}

/** As a plan deletes a batch: a note first, then the objects. */
async function deleteByPlan({ segments, ...batch }: BatchSummary): Promise<void> {
  const pool = await openPool(stage.bench.pool);
  const { systemId, branchId, batchId, from, to, previousSha256 } = batch;
  const key = logBatchKey(systemId, branchId, lsnToNumber(from).toString(16).toUpperCase().padStart(16, '0'), batchId);
  await putTruncation(pool, {
    ...{ noteId: newTestId('mark'), runId: newTestId('run'), at: instantFromMs(Date.now()), systemId, branchId },
    links: [{ previousSha256, sha256: sha256Hex(await pool.store.get(key)), count: 1 }],
    ranges: [{ from, to }],
    segments: segments.map(({ name, rawSha256 }) => ({ name, rawSha256 })),
  });
  await pool.store.remove([key, ...segments.map(({ object: name }) => keyOfLog({ systemId, branchId, name }))]);
  await pool.close();
}

/** A server with log in the pool, of which retention keeps the unfinished segment only, is put back deep into what was deleted. */
async function putBack(): Promise<number> {
  stage = await openStreamStage({ major: 15, segmentMiB });
  const { postgres } = stage;
  await postgres.sql('create table t (a int)');
  const stream = stage.stream();
  await stage.untilCovered();
  await stream.stop();
  await postgres.stop();
  const snapshot = `${postgres.dataDirectory}.snapshot`;
  execFileSync('cp', ['-a', postgres.dataDirectory, snapshot]);
  await postgres.start();
  const again = stage.stream(stream);
  await writeSegments(5, 1);
  await stage.untilCovered();
  await again.stop();
  const end = Math.max(...stage.batches.map(({ to }) => lsnToNumber(to)));
  const kept = end - (end % segmentBytes);
  for (const batch of stage.batches) if (lsnToNumber(batch.to) <= kept) await deleteByPlan(batch);
  await postgres.stop();
  rmSync(postgres.dataDirectory, { recursive: true });
  execFileSync('mv', [snapshot, postgres.dataDirectory]);
  await postgres.start();
  expect(await written()).toBeLessThan(kept);
  return end;
}

test('K-049 a stream of a server that was put back behind the log of the pool ends with that, instead of waiting for it', async () => {
  const end = await putBack();
  const before = stage.batches.length;
  const error = await stage.stream().end;
  expect(error).toMatchObject({ code: 'log_put_back', isRetryable: false });
  expect(error.message).toMatch(/the pool has log up to LSN/);
  expect(stage.batches).toHaveLength(before);
  expect(await written()).toBeLessThan(end);
});

test('K-080 log of a server that was put back into deleted log and wrote on is never joined to what the pool kept', async () => {
  const end = await putBack();
  while ((await written()) < end + segmentBytes) await writeSegments(1, 2);
  const before = stage.batches.length;
  const error = await stage.stream().end;
  expect(error).toMatchObject({ code: 'log_put_back', isRetryable: false });
  expect(error.message).toMatch(/segment 0000000100000000000000\w\w differs from/);
  expect(stage.batches).toHaveLength(before);
});
