import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { parseId } from '#core/id.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openFolder } from '#tests/support/folder.ts';
import { clock, newId } from '#tests/support/log-stage.ts';
import { BatchWriter } from './batch-writer.ts';

const lost = fail('pool_unreachable', { pool: 'p', why: 'EIO' });
const segmentBytes = 16 * 1024 * 1024;
const branch = { systemId: '7300000000000000001', timeline: 1, branchId: branchIdOf(''), history: '', fork: undefined };

/** A pool in a folder; its barrier is that of the folder after `before`. */
async function openDoubtful(before: () => Promise<void>): Promise<Pool> {
  const folder = openFolder('hf-batch-');
  const directory = join(folder.path, 'pool');
  mkdirSync(directory);
  const access: PoolAccess = { poolId: newId('pool'), name: 'p', place: { kind: 'local', directory }, secrets: {} };
  await createPool(access, clock);
  const pool = await openPool(access);
  onTestFinished(async () => {
    await pool.close();
    folder.remove();
  });
  const barrier = async (): Promise<void> => {
    await before();
    await pool.store.barrier();
  };
  return { ...pool, store: { ...pool.store, barrier } };
}

function writerInto(pool: Pool, demandOpen?: () => Promise<void>): BatchWriter {
  const channel = { putBatch: () => Promise.resolve() };
  const resourceId = parseId('res', `res_${'0'.repeat(32)}`);
  const known = { branchId: branch.branchId, segments: new Map(), batches: [], unreadable: [], unreadableIds: [] };
  return new BatchWriter({ pool, channel, newId, runId: newId('run'), resourceId, demandOpen }, branch, known);
}

function segmentAt(i: number): SegmentOfBatch {
  const name = `0000000100000000000000${i.toString(16).padStart(2, '0')}`;
  if (!isSegmentName(name)) return expect.fail(`${name} is no segment`);
  const [from, to] = [formatLsn(i * segmentBytes), formatLsn((i + 1) * segmentBytes)];
  const sums = { rawSha256: '0'.repeat(64), storedSha256: '0'.repeat(64), rawBytes: segmentBytes, storedBytes: 1 };
  return { name, object: name, from, to, ...sums, restorePoints: [], lastRecord: from };
}

async function addEight(writer: BatchWriter): Promise<void> {
  for (let i = 1; i <= 8; i++) await writer.add(segmentAt(i), { segmentBytes, knownUntil: undefined });
}

async function batchesIn({ store }: Pool): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('logs/')) if (key.includes('/batches/')) keys.push(key);
  return keys;
}

test('no batch is committed over segments whose early barrier failed, also when later ones succeed', async () => {
  let calls = 0;
  const pool = await openDoubtful(() => (calls++ === 0 ? Promise.reject(lost) : Promise.resolve()));
  const writer = writerInto(pool);
  await addEight(writer);
  await expect(writer.commit()).rejects.toBe(lost);
  await expect(writer.commit()).rejects.toBe(lost);
  expect(await batchesIn(pool)).toEqual([]);
  expect(writer.committed).toEqual([]);
});

test('K-084 no batch is committed for a run that was given up: its segments may have been collected', async () => {
  const pool = await openDoubtful(() => Promise.resolve());
  const over = fail('run_over', { run: newId('run') });
  let isOpen = true;
  const writer = writerInto(pool, () => (isOpen ? Promise.resolve() : Promise.reject(over)));
  await writer.add(segmentAt(1), { segmentBytes, knownUntil: undefined });
  await writer.commit();
  isOpen = false;
  await writer.add(segmentAt(2), { segmentBytes, knownUntil: undefined });
  await expect(writer.commit()).rejects.toBe(over);
  await writer.close();
  expect([writer.committed.length, (await batchesIn(pool)).length]).toEqual([1, 1]);
});

test('the next segment hears of a failed early barrier, it does not wait for the commit', async () => {
  const pool = await openDoubtful(() => Promise.reject(lost));
  const writer = writerInto(pool);
  await addEight(writer);
  await writer.close();
  await expect(writer.add(segmentAt(9), { segmentBytes, knownUntil: undefined })).rejects.toBe(lost);
});

test('a writer that is closed has no barrier under way, and tells nothing of one that failed', async () => {
  let isRunning = false;
  let end: () => void = () => undefined;
  const pool = await openDoubtful(async () => {
    isRunning = true;
    await new Promise<void>((resolve) => (end = resolve));
    isRunning = false;
    throw lost;
  });
  const writer = writerInto(pool);
  await addEight(writer);
  expect(isRunning).toBe(true);
  const closed = writer.close();
  end();
  await closed;
  expect(isRunning).toBe(false);
});
