import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { BackupOptions } from '#core/agent/order.ts';
import { coverage } from '#core/log/coverage.ts';
import type { LogGap } from '#core/log/timeline.ts';
import { bug } from '#core/errors/fail.ts';
import { formatLsn, lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import { isSegmentName, segmentOf, segmentStart } from '#core/wal/segment-name.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { newTestId } from '#tests/support/backup.ts';
import type { StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

const segmentMiB = 1;
const segmentBytes = segmentMiB * 1024 * 1024;

let stage: StreamStage;
afterEach(async () => {
  await stage.close();
});

const isTrue = async (question: string): Promise<boolean> =>
  (await stage.postgres.sql(`select ${question} as is_true`))[0]?.['is_true'] === true;

/** Segment that the server writes. */
async function writtenNow(): Promise<string> {
  const [row] = await stage.postgres.sql('select pg_current_wal_lsn()::text as lsn');
  return segmentOf(1, parseLsn(String(row?.['lsn'])), segmentBytes);
}

/** Rows in segments of their own, all of which the server archived and removed. Answers their names. */
async function writeAway(segments: number): Promise<readonly string[]> {
  const { postgres } = stage;
  const names: string[] = [];
  for (let i = 0; i < segments; i++) {
    await postgres.sql('insert into t values (1)');
    names.push(await writtenNow());
    await postgres.sql('select pg_switch_wal()');
  }
  const last = names[names.length - 1] ?? '';
  const isAway = async (): Promise<boolean> => {
    await postgres.sql('checkpoint');
    return (
      (await isTrue(`coalesce((select last_archived_wal from pg_stat_archiver) >= '${last}', false)`)) &&
      (await isTrue(`not exists (select from pg_ls_waldir() where name = '${last}')`))
    );
  };
  expect(await waitFor(isAway, 30_000)).toBe(true);
  return names;
}

const archived = (): string[] => readdirSync(stage.postgres.archiveDirectory).filter(isSegmentName).sort();
const gaps = (): readonly LogGap[] =>
  coverage({ sets: stage.restores.sets, batches: stage.batches }).branches.flatMap((branch) => branch.gaps);
/** The gap that one segment leaves. */
function gapOver(name = ''): Omit<LogGap, 'after'> {
  if (!isSegmentName(name)) throw bug('the segment of this test has no name');
  const from = segmentStart(name, segmentBytes);
  return { from, to: formatLsn(lsnToNumber(from) + segmentBytes) };
}

async function takeFull(): Promise<void> {
  const { bench, access, postgres } = stage;
  const order = bench.order(access, { archiveDirectory: postgres.archiveDirectory });
  stage.restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
}

/** Archived files that the pool holds are deleted with it. */
async function backUpLog(): Promise<void> {
  const { bench, access, postgres, restores } = stage;
  const { batches } = restores;
  const full = bench.order(access, {
    archiveDirectory: postgres.archiveDirectory,
    archiveRetention: { mode: 'delete' },
  });
  const { runId, hostId, options } = full;
  const take = takeLogBackup({
    ...{ clock: { nowMs: () => Date.now() }, newId: newTestId, neededLog: () => Promise.resolve([]) },
    channel: { putBatch: (batch) => Promise.resolve(void batches.push(batch)) },
  });
  await take(
    { kind: 'log-backup', runId, hostId, instance: access, pools: [bench.pool], options, neededFrom: [] },
    bench.step(full),
  );
}

async function rowsAtLatest(name: string): Promise<unknown> {
  const { restores } = stage;
  const place = { kind: 'copy' as const, directory: restores.directory(name) };
  const report = await restores.restore(restores.order(restores.plan({ target: { at: 'latest' }, place })));
  const [row] = await restores.sql(report, 'select count(*)::int as n from t');
  await restores.stop(place.directory);
  return row?.['n'];
}

async function streamed(options: Partial<BackupOptions>, work?: () => Promise<void>): Promise<readonly string[]> {
  const stream = stage.stream(undefined, options);
  await stage.untilCovered();
  await work?.();
  expect(await stream.cancel()).toMatchObject({ code: 'cancelled' });
  return stream.lines;
}

test('K-049 a stream takes from the archive what the server has no more; what neither has is a gap', async () => {
  stage = await openStreamStage({ major: 15, archive: true, segmentMiB });
  const { postgres } = stage;
  await postgres.sql('create table t (a int)');
  await takeFull();
  await backUpLog();

  const whole = await writeAway(5);
  const before = archived();
  expect(before).toEqual(expect.arrayContaining([...whole]));
  const lines = await streamed({ archiveDirectory: postgres.archiveDirectory }, async () => {
    expect(gaps()).toEqual([]);
    expect(archived()).toEqual(expect.arrayContaining(before));
    await postgres.sql('insert into t values (1)');
    await stage.untilCovered();
  });
  expect(gaps()).toEqual([]);
  expect(await rowsAtLatest('whole')).toBe(6);
  expect(lines).toContainEqual(expect.stringContaining(`archive directory ${postgres.archiveDirectory}`));
  expect(lines.filter((line) => line.includes('is missing'))).toEqual([]);

  const [, , lost, , damaged] = await writeAway(6);
  rmSync(join(postgres.archiveDirectory, lost ?? ''));
  writeFileSync(join(postgres.archiveDirectory, damaged ?? ''), Buffer.alloc(segmentBytes));
  const told = await streamed({ archiveDirectory: postgres.archiveDirectory });
  expect(gaps()).toMatchObject([gapOver(lost), gapOver(damaged)]);
  const missing = told.filter((line) => line.includes('is missing'));
  expect(missing).toHaveLength(2);
  for (const line of missing) expect(line).toMatch(/full backup.*does not have it/);
  expect(told).toContainEqual(expect.stringContaining(`${damaged ?? ''} is damaged`));
});

test('K-049 a stream that knows no archive directory says what would close its gap', async () => {
  stage = await openStreamStage({ major: 15, archive: true, segmentMiB });
  const { postgres } = stage;
  await postgres.sql('create table t (a int)');
  await takeFull();
  await backUpLog();
  await postgres.sql(`alter system set archive_command = 'true'`);
  await postgres.sql('select pg_reload_conf()');
  await writeAway(3);
  const lines = await streamed({});
  expect(gaps()).toHaveLength(1);
  expect(lines.filter((line) => line.includes('is missing'))).toEqual([
    expect.stringMatching(/full backup.*--archive-directory/),
  ]);
});
