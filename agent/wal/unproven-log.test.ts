import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logBatchKey } from '#core/format/object-key.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { careForPool } from '#agent/care/care-for-pool.ts';
import { noScrub } from '#tests/support/care-stage.ts';
import { openFolder } from '#tests/support/folder.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, clock, newId, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';

/** One batch for each of so many log backups. */
async function backUpTimes(stage: LogStage, times: number): Promise<readonly BatchSummary[]> {
  for (let i = 0; i < times; i++) {
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
  }
  return stage.told;
}

function damage({ pools: [access] }: LogStage, { systemId, branchId, batchId, from }: BatchSummary): void {
  if (access?.place.kind !== 'local') return expect.fail('the pool is not a directory');
  const hex = lsnToNumber(from).toString(16).toUpperCase().padStart(16, '0');
  const path = join(access.place.directory, logBatchKey(systemId, branchId, hex, batchId));
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  writeFileSync(path, bytes);
}

/** The run of a plan that deletes batches. */
async function deleteByPlan(stage: LogStage, batches: readonly BatchSummary[]): Promise<void> {
  const [access] = stage.pools;
  const [first] = batches;
  if (access === undefined || first === undefined) return expect.fail('nothing to delete');
  const home = openFolder('hf-home-');
  onTestFinished(() => {
    home.remove();
  });
  const channel = {
    ...noScrub,
    claimDeletion: () => Promise.resolve({ verdict: 'granted' as const }),
    tellDeleted: () => Promise.resolve(),
  };
  const { systemId, branchId } = first;
  const objects = batches.flatMap(({ segments }) => segments.map(({ object }) => object));
  const task = {
    task: 'delete',
    planId: newId('plan'),
    sets: [],
    log: [{ systemId, branchId, batches, objects }],
  } as const;
  const { runId, hostId } = stage.order();
  await careForPool({ home: home.path, clock, newId, channel })(
    { kind: 'care', runId, hostId, pool: access, task },
    stage.step,
  );
}

const namesOf = ({ segments }: BatchSummary): string[] => segments.map(({ name }) => name);

test('K-080 log whose batch could not be read when a plan deleted it stays in the archive, and the run says what may be the cause', async () => {
  const stage = await stageOn();
  const [damaged, good] = await backUpTimes(stage, 3);
  if (damaged === undefined || good === undefined) return expect.fail('nothing was committed');
  damage(stage, damaged);
  await deleteByPlan(stage, [damaged, good]);
  // Why: files that are younger than the deletion are taken for other log.
  const before = Date.now() / 1000 - 86_400;
  for (const name of archived(stage)) utimesSync(join(stage.server.archiveDirectory, name), before, before);
  const { segments, deletedFiles, warnings } = await stage.backUp(withRetention(stage, { mode: 'delete' }));
  expect({ segments, warnings: warnings.map(({ code }) => code) }).toEqual({
    segments: 0,
    warnings: ['log_deletion_unproven'],
  });
  expect(warnings[0]?.detail).toContain(`from ${String(namesOf(damaged)[0])} to`);
  expect(warnings[0]?.detail).toContain('its batch could not be read');
  expect(archived(stage)).toEqual(expect.arrayContaining(namesOf(damaged)));
  expect(deletedFiles).toBeGreaterThanOrEqual(namesOf(good).length);
  for (const name of namesOf(good)) expect(archived(stage)).not.toContain(name);
});
