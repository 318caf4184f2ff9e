import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logBatchKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { putTruncation } from '#agent/care/truncation.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, newId, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';

/** What a plan that deletes a batch leaves. */
async function deleteByPlan({ pools: [access] }: LogStage, batch: BatchSummary): Promise<void> {
  if (access === undefined) return;
  const pool = await openPool(access);
  const { systemId, branchId, batchId, from, to } = batch;
  const key = logBatchKey(systemId, branchId, lsnToNumber(from).toString(16).toUpperCase().padStart(16, '0'), batchId);
  const sha256 = sha256Hex(await pool.store.get(key));
  await putTruncation(pool, {
    ...{ noteId: newId('mark'), runId: newId('run'), at: instantFromMs(Date.now()), systemId, branchId },
    links: [{ previousSha256: batch.previousSha256, sha256, count: 1 }],
    ranges: [{ from, to }],
  });
  await pool.store.remove([key, ...batch.segments.map(({ object: name }) => keyOfLog({ systemId, branchId, name }))]);
  await pool.close();
}

test('K-080 log that retention deleted is not sent again while the archive keeps it, and goes from there by its age', async () => {
  const stage = await stageOn();
  const switchLog = () => stage.server.sql('SELECT pg_switch_wal()');
  await writeRows(stage);
  await switchLog();
  await stage.backUp();
  await writeRows(stage);
  await switchLog();
  await stage.backUp();
  const [first] = stage.told;
  const gone = first?.segments.map(({ name }) => name) ?? [];
  expect(gone.length).toBeGreaterThan(0);
  if (first !== undefined) await deleteByPlan(stage, first);
  await writeRows(stage);
  await switchLog();
  const { segments, batches } = await stage.backUp();
  expect([segments, batches.length]).toEqual([1, 1]);
  expect(stage.told[stage.told.length - 1]).toMatchObject({ isAfterGap: false });
  expect(archived(stage)).toEqual(expect.arrayContaining(gone));
  const longAgo = Date.now() / 1000 - 8 * 86_400;
  for (const name of gone) utimesSync(join(stage.server.archiveDirectory, name), longAgo, longAgo);
  const { deletedFiles } = await stage.backUp(withRetention(stage, { mode: 'keep-days', days: 7 }));
  expect(deletedFiles).toBe(gone.length);
});
