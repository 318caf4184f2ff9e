import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coverage, locate } from '#core/log/coverage.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { newId, stageOn } from '#tests/support/log-stage.ts';
import { saveLogTail } from './save-log-tail.ts';

const write = ({ server }: LogStage, table: string): Promise<unknown> =>
  server.sql(`CREATE TABLE ${table} AS SELECT g FROM generate_series(1, 1000) g`);

/** Replays what is in pg_wal and opens the database on the next timeline. */
const promote = async ({ server }: LogStage): Promise<void> => {
  const isStandby = async (): Promise<boolean> =>
    (await server.sql('SELECT pg_is_in_recovery() AS standby'))[0]?.['standby'] === true;
  await server.stop();
  writeFileSync(join(server.dataDirectory, 'recovery.signal'), '');
  execFileSync('chown', ['--reference', server.dataDirectory, join(server.dataDirectory, 'recovery.signal')]);
  await server.start();
  const until = Date.now() + 30_000;
  while (Date.now() < until && (await isStandby()));
};

const tail = async (stage: LogStage): ReturnType<typeof saveLogTail> => {
  const [access] = stage.pools;
  const pool = access === undefined ? undefined : await openPool(access);
  if (pool === undefined) return { segments: 0, batches: [], warnings: [] };
  const { runId, instance } = stage.order();
  const channel = { putBatch: (batch: LogStage['told'][number]) => Promise.resolve(void stage.told.push(batch)) };
  try {
    const deps = { pool, channel, newId, runId, resourceId: instance.resourceId };
    return await saveLogTail(
      deps,
      { logDirectory: join(stage.server.dataDirectory, 'pg_wal'), systemId: stage.systemId },
      stage.step,
    );
  } finally {
    await pool.close();
  }
};

describe.each([12, 15, 18] as const)('recovery branches of PostgreSQL %i', (major) => {
  test('K-098 log behind a promotion belongs to a branch of its own that begins at the fork', async () => {
    const stage = await stageOn(major);
    await stage.server.sql("ALTER SYSTEM SET restore_command = 'false'");
    await write(stage, 'a');
    await stage.backUp();
    await write(stage, 'b');
    await promote(stage);
    await write(stage, 'c');
    const report = await stage.backUp();
    expect(report.warnings).toEqual([]);
    const { branches, currentBranchId } = coverage({ sets: [], batches: stage.told });
    expect(branches.map((branch) => branch.timeline)).toEqual([1, 2]);
    expect(branches[1]?.parent?.branchId).toBe(branches[0]?.branchId);
    expect(branches[1]?.branchId).toBe(currentBranchId);
    expect(branches.map((branch) => branch.gaps)).toEqual([[], []]);
    expect(stage.told.map((batch) => batch.isAfterGap)).toEqual(stage.told.map(() => false));
    await stage.backUp();
    expect(coverage({ sets: [], batches: stage.told }).branches).toHaveLength(2);
  });

  test('the unarchived tail of a closed instance is saved up to its last record, once', async () => {
    const stage = await stageOn(major);
    await write(stage, 'a');
    await stage.backUp();
    await stage.server.sql("ALTER SYSTEM SET archive_command = 'false'");
    await stage.server.sql('SELECT pg_reload_conf()');
    await write(stage, 'b');
    await stage.server.sql('SELECT pg_switch_wal()');
    await write(stage, 'c');
    await stage.server.kill();
    const before = coverage({ sets: [], batches: stage.told }).branches[0]?.stretches[0];
    const saved = await tail(stage);
    expect(saved.segments).toBeGreaterThanOrEqual(2);
    const [branch] = coverage({ sets: [], batches: stage.told }).branches;
    expect(branch?.gaps).toEqual([]);
    expect(branch?.stretches).toHaveLength(1);
    expect((branch?.stretches[0]?.lastCommit ?? '') > (before?.lastCommit ?? '')).toBe(true);
    expect((await tail(stage)).segments).toBe(0);
    // The instance lives on after all: the finished segment takes the place of its tail.
    await stage.server.start();
    await stage.server.sql('ALTER SYSTEM RESET archive_command');
    await stage.server.sql('SELECT pg_reload_conf()');
    await write(stage, 'd');
    await stage.backUp();
    const [after] = coverage({ sets: [], batches: stage.told }).branches;
    expect(after?.gaps).toEqual([]);
    expect(after?.stretches).toHaveLength(1);
  });
});

test('a history file in the archive is committed before its branch has log', async () => {
  const stage = await stageOn(15);
  await write(stage, 'a');
  await stage.backUp();
  await stage.server.stop();
  const to = stage.told[0]?.to ?? '';
  writeFileSync(join(stage.server.archiveDirectory, '00000002.history'), `1\t${to}\tno recovery target specified\n`);
  await stage.backUp();
  const log = { sets: [], batches: stage.told };
  expect(coverage(log).branches.map((branch) => branch.history)).toEqual([
    '',
    `1\t${to}\tno recovery target specified\n`,
  ]);
  expect(locate(log, { at: 'latest' })).toMatchObject({ isReachable: false });
});

test('log of a timeline without its history file is refused by name', async () => {
  const stage = await stageOn(15);
  await write(stage, 'a');
  await stage.server.sql('SELECT pg_switch_wal()');
  await stage.server.stop();
  const [name = ''] = readdirSync(stage.server.archiveDirectory).filter(isSegmentName);
  copyFileSync(
    join(stage.server.archiveDirectory, name),
    join(stage.server.archiveDirectory, name.replace(/^00000001/, '00000007')),
  );
  await expect(stage.backUp()).rejects.toMatchObject({
    code: 'log_history_missing',
    params: { timeline: '7', name: '00000007.history' },
  });
});
