import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { formatId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { coverage } from '#core/log/coverage.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { stageOn, writeRows } from '#tests/support/log-stage.ts';
import { readBatches } from './committed-log.ts';
import { takeLogBackup } from './take-log-backup.ts';

test('K-049 a clock that was put back by a day holds no log backup up, and breaks no chain of batches', async () => {
  const stage = await stageOn();
  await writeRows(stage);
  await stage.backUp();
  const told: BatchSummary[] = [...stage.told];
  const clock = { nowMs: () => Date.now() - 86_400_000 };
  const newId: IdSource = (prefix) => formatId(prefix, clock.nowMs(), randomBytes(10));
  // What is committed is told again by each run.
  const putBatch = (batch: BatchSummary): Promise<void> => {
    if (!told.some(({ batchId }) => batchId === batch.batchId)) told.push(batch);
    return Promise.resolve();
  };
  const channel = { putBatch };
  for (let i = 0; i < 3; i++) {
    await writeRows(stage);
    await takeLogBackup({ clock, newId, neededLog: () => Promise.resolve([]), channel })(stage.order(), stage.step);
  }
  expect(told.length).toBeGreaterThan(3);
  expect(told.map(({ batchId }) => batchId)).toEqual(told.map(({ batchId }) => batchId).sort());
  expect(told.map(({ coveredUntil }) => coveredUntil)).toEqual(told.map(({ coveredUntil }) => coveredUntil).sort());
  expect(coverage({ sets: [], batches: told }).branches.flatMap(({ gaps }) => gaps)).toEqual([]);
  const [access] = stage.pools;
  if (access === undefined) return expect.fail('the stage has a pool');
  const pool = await openPool(access);
  const there: string[] = [];
  for await (const { batchId } of readBatches(pool, ({ message }) => expect.fail(message))) there.push(batchId);
  await pool.close();
  expect(there).toEqual(told.map(({ batchId }) => batchId));
});
