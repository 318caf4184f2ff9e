import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, utimesSync } from 'node:fs';
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
import { archived, clock, newId, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';
import { applyArchiveRetention } from './archive/archive-retention.ts';

const dayMs = 86_400_000;

/** What a plan that deletes a batch leaves; with `earlierMs` as an earlier version did then, which noted no content. */
async function deleteByPlan({ pools: [access] }: LogStage, batch: BatchSummary, earlierMs?: number): Promise<void> {
  if (access === undefined) return;
  const pool = await openPool(access);
  const { systemId, branchId, batchId, from, to, segments } = batch;
  const key = logBatchKey(systemId, branchId, lsnToNumber(from).toString(16).toUpperCase().padStart(16, '0'), batchId);
  const sha256 = sha256Hex(await pool.store.get(key));
  const noted =
    earlierMs === undefined ? { segments: segments.map(({ name, rawSha256 }) => ({ name, rawSha256 })) } : {};
  await putTruncation(pool, {
    ...{ noteId: newId('mark'), runId: newId('run'), at: instantFromMs(earlierMs ?? Date.now()), systemId, branchId },
    links: [{ previousSha256: batch.previousSha256, sha256, count: 1 }],
    ranges: [{ from, to }],
    ...noted,
  });
  await pool.store.remove([key, ...segments.map(({ object: name }) => keyOfLog({ systemId, branchId, name }))]);
  await pool.close();
}

const writeSegment = async (stage: LogStage): Promise<void> => {
  await writeRows(stage);
  await stage.server.sql('SELECT pg_switch_wal()');
};

/** Two log backups; the batch of the first. */
async function backUpTwice(stage: LogStage): Promise<BatchSummary> {
  for (let i = 0; i < 2; i++) {
    await writeSegment(stage);
    await stage.backUp();
  }
  return stage.told[0] ?? expect.fail('no batch was told');
}

const namesOf = ({ segments }: BatchSummary): string[] => segments.map(({ name }) => name);

function setTimes({ server }: LogStage, names: readonly string[], ms: number): void {
  for (const name of names) utimesSync(join(server.archiveDirectory, name), ms / 1000, ms / 1000);
}

test('K-080 log that retention deleted is not sent again while the archive keeps it, and goes from there by its age', async () => {
  const stage = await stageOn();
  const first = await backUpTwice(stage);
  const gone = namesOf(first);
  expect(gone.length).toBeGreaterThan(0);
  await deleteByPlan(stage, first);
  await writeSegment(stage);
  const { segments, batches, warnings } = await stage.backUp();
  expect([segments, batches.length, warnings]).toEqual([1, 1, []]);
  expect(stage.told[stage.told.length - 1]).toMatchObject({ isAfterGap: false });
  expect(archived(stage)).toEqual(expect.arrayContaining(gone));
  setTimes(stage, gone, Date.now() - 8 * dayMs);
  const { deletedFiles } = await stage.backUp(withRetention(stage, { mode: 'keep-days', days: 7 }));
  expect(deletedFiles).toBe(gone.length);
});

test('K-080 log whose content a deletion did not note is neither sent again nor deleted, and the run says so', async () => {
  const stage = await stageOn();
  const first = await backUpTwice(stage);
  const gone = namesOf(first);
  await deleteByPlan(stage, first, Date.now() - dayMs);
  setTimes(stage, gone, Date.now() - 2 * dayMs);
  const report = await stage.backUp(withRetention(stage, { mode: 'delete' }));
  expect(report.segments).toBe(0);
  expect(report.warnings.map(({ code }) => code)).toEqual(['log_deletion_unproven']);
  expect(report.warnings[0]?.detail).toContain(gone[0]);
  expect(archived(stage)).toEqual(expect.arrayContaining(gone));
  setTimes(stage, gone, Date.now());
  await expect(stage.backUp(withRetention(stage, { mode: 'delete' }))).rejects.toMatchObject({
    code: 'log_deleted_differs',
  });
  expect(archived(stage)).toEqual(expect.arrayContaining(gone));
});

test('K-080 log of a server that was put back is never taken for the log that retention deleted in its place', async () => {
  const stage = await stageOn();
  const { server } = stage;
  await writeSegment(stage);
  await stage.backUp();
  await server.stop();
  const snapshot = `${server.dataDirectory}.snapshot`;
  execFileSync('cp', ['-a', server.dataDirectory, snapshot]);
  await server.start();
  for (let i = 0; i < 6; i++) await writeSegment(stage);
  await stage.backUp();
  await writeSegment(stage);
  await stage.backUp(withRetention(stage, { mode: 'delete' }));
  for (const batch of stage.told.slice(0, -1)) await deleteByPlan(stage, batch);
  await server.stop();
  rmSync(server.dataDirectory, { recursive: true });
  execFileSync('mv', [snapshot, server.dataDirectory]);
  await server.start();
  const before = new Set(archived(stage));
  for (let i = 0; i < 3; i++) await writeSegment(stage);
  const fresh = (): string[] => archived(stage).filter((name) => !before.has(name));
  await expect.poll(() => fresh().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
  const names = fresh();
  // Why so old: a copy may carry any time, and the log of a clone may be older than the deletion.
  setTimes(stage, names, Date.now() - dayMs);
  await expect(stage.backUp(withRetention(stage, { mode: 'delete' }))).rejects.toMatchObject({
    code: 'log_deleted_differs',
  });
  // As after a full backup.
  const { deletedFiles, warnings } = await applyArchiveRetention(
    { clock, neededLog: () => Promise.resolve([]) },
    {
      ...{ systemId: stage.systemId, dataDirectory: server.dataDirectory, directory: server.archiveDirectory },
      ...{ pools: stage.pools, neededFrom: [], retention: { mode: 'delete' } },
    },
    stage.step,
  );
  expect(deletedFiles).toBe(0);
  expect(warnings.map(({ code }) => code)).toEqual(names.map(() => 'archive_file_differs'));
  for (const name of names) expect(existsSync(join(server.archiveDirectory, name)), name).toBe(true);
});
