import { renameSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { BackupOptions } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { BatchSummary, SegmentOfBatch } from '#core/log/batch-summary.ts';
import { coverage, locate } from '#core/log/coverage.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder, restoreFiles, startRestored } from '#tests/support/chain.ts';
import { clock } from '#tests/support/log-stage.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const quiet = ['autovacuum = off', 'max_wal_size = 64MB', 'min_wal_size = 32MB'];

/** A storage snapshot of what a server has; what it answers puts it back. */
async function snapshotOf(server: Postgres, directories: readonly string[]): Promise<() => Promise<void>> {
  await server.stop();
  for (const directory of directories) await runTool('cp', ['-a', directory, `${directory}.snapshot`]);
  await server.start();
  return async () => {
    await server.stop();
    for (const directory of directories) {
      renameSync(directory, `${directory}.abandoned`);
      renameSync(`${directory}.snapshot`, directory);
    }
    await server.start();
  };
}

async function stageOf(server: Postgres, options: Partial<BackupOptions>) {
  const bench = await openBackupBench();
  onTestFinished(async () => {
    bench.close();
    await server.close();
  });
  await server.sql("create table u as select g as id, 'kept'::text as b from generate_series(1, 5000) g");
  await server.sql('create table w (id int)');
  await server.sql('vacuum u');
  const access = await instanceAccess(server);
  const take = (order: ReturnType<typeof bench.order>) => bench.takeFullBackup(order, bench.step(order));
  const told: BatchSummary[] = [];
  const channel = { putBatch: (batch: BatchSummary) => Promise.resolve(void told.push(batch)) };
  const log = takeLogBackup({ clock, newId: newTestId, neededLog: () => Promise.resolve([]), channel });
  return {
    told,
    full: () => take(bench.order(access, options)),
    on: (summary: SetSummary) => take(incrementalOrder(bench, access, { summary, wanted: 'differential' }, options)),
    backUpLog: () => {
      const order = bench.order(access, options);
      const { runId, hostId } = order;
      const about = { kind: 'log-backup', runId, hostId, instance: access, pools: [bench.pool] } as const;
      return log({ ...about, options: order.options, neededFrom: [] }, bench.step(order));
    },
    /** Past the end of the base, until the server has recycled the log of that place. */
    liveOn: async () => {
      for (let i = 0; i < 8; i++) {
        await server.sql('insert into w select generate_series(1, 100)');
        await server.sql('select pg_switch_wal()');
        await server.sql('checkpoint');
      }
    },
    rowsIn: async ({ setId }: SetSummary): Promise<unknown> => {
      const restored = await startRestored(await restoreFiles(bench, setId, `restored-${setId}`), server);
      const client = await restored.connect();
      const { rows } = await client.query('select b, count(*)::int as n from u group by b');
      await client.end();
      await restored.close();
      return rows;
    },
  };
}

test('K-048 a set of a time that was given up is no base when the pool took other log since, one of the same life is', async () => {
  const server = await openPostgres({ major: 15, archive: true, config: quiet });
  const { archiveDirectory, dataDirectory } = server;
  const stage = await stageOf(server, { archiveDirectory, archiveRetention: { mode: 'delete' } });
  const kept = await stage.full();
  await stage.backUpLog();
  const putBack = await snapshotOf(server, [dataDirectory, archiveDirectory]);
  await server.sql("update u set b = 'abandoned'");
  const abandoned = await stage.full();
  await putBack();
  await stage.liveOn();
  for (let i = 0; i < 2; i++) {
    await stage.backUpLog();
    await server.sql('checkpoint');
  }
  const refused = await stage.on(abandoned);
  expect(refused).toMatchObject({ type: 'full', warnings: [{ code: 'became_full' }] });
  expect(refused.warnings[0]?.detail).toContain('was put back to an earlier state');
  expect(await stage.on(kept)).toMatchObject({
    ...{ type: 'differential', warnings: [], base: { setId: kept.setId, changedPages: 'log' } },
  });
});

test.each<Major>([18, 15])(
  'K-048 with no log to prove the base, an incremental of PostgreSQL %i trusts content only and says so',
  async (major) => {
    const archiving = ['archive_mode = on', "archive_command = '/bin/true'"];
    const config = [...quiet, ...archiving, ...(major >= 17 ? ['summarize_wal = on'] : [])];
    const server = await openPostgres({ major, config });
    const stage = await stageOf(server, {});
    const putBack = await snapshotOf(server, [server.dataDirectory]);
    await server.sql("update u set b = 'abandoned'");
    const abandoned = await stage.full();
    await putBack();
    await stage.liveOn();
    const set = await stage.on(abandoned);
    expect(set).toMatchObject({ type: 'differential', base: { changedPages: 'content-hash' } });
    expect(set.warnings.map(({ detail }) => detail).join()).toContain('was not put back');
    expect(await stage.rowsIn(set)).toEqual([{ b: 'kept', n: 5000 }]);
  },
);

test('K-048 log of large segments is compared, too: a set of a time that was given up is no base', async () => {
  const server = await openPostgres({ major: 15, archive: true, segmentMiB: 128, config: ['autovacuum = off'] });
  const stage = await stageOf(server, { archiveDirectory: server.archiveDirectory });
  const putBack = await snapshotOf(server, [server.dataDirectory, server.archiveDirectory]);
  await server.sql("update u set b = 'abandoned'");
  const abandoned = await stage.full();
  await putBack();
  for (let i = 0; i < 3; i++) {
    await server.sql('insert into w select generate_series(1, 100)');
    await server.sql('select pg_switch_wal()');
  }
  expect(await stage.on(abandoned)).toMatchObject({ type: 'full', warnings: [{ code: 'became_full' }] });
});

test('K-095 the latest point is of the time since a server was put back, and no log of two times is joined', async () => {
  const server = await openPostgres({ major: 15, archive: true, config: quiet });
  const { archiveDirectory, dataDirectory } = server;
  const stage = await stageOf(server, { archiveDirectory });
  const kept = await stage.full();
  await stage.backUpLog();
  const segments = (): SegmentOfBatch[] => stage.told.flatMap((batch) => batch.segments);
  // What the set says of its last segment is what the archive has of it.
  expect(segments().find(({ name }) => name === kept.endSegment)?.rawSha256).toBe(kept.endSegmentSha256);
  const putBack = await snapshotOf(server, [dataDirectory, archiveDirectory]);
  await server.sql("update u set b = 'abandoned'");
  await stage.liveOn();
  const abandoned = await stage.full();
  await stage.backUpLog();
  await putBack();
  await server.sql("update u set b = 'present'");
  const now = await stage.full();
  const log = { sets: [kept, abandoned, now], batches: stage.told };
  const refused = { code: 'log_duplicate_differs' };
  await expect(stage.backUpLog()).rejects.toMatchObject(refused);
  expect(locate(log, { at: 'latest' })).toMatchObject({ setId: now.setId, segments: [] });
  expect(await stage.rowsIn(now)).toEqual([{ b: 'present', n: 5000 }]);
  // Past the end of what the pool has of the time that was given up.
  await stage.liveOn();
  await stage.liveOn();
  await expect(stage.backUpLog()).rejects.toMatchObject(refused);
  const [branch] = coverage(log).branches;
  const [gap] = branch?.gaps ?? [];
  expect(gap?.from).toBe(gap?.to);
  const latest = await stage.full();
  await expect(stage.backUpLog()).rejects.toMatchObject(refused);
  const found = locate({ ...log, sets: [...log.sets, latest] }, { at: 'latest' });
  expect(found).toMatchObject({ setId: latest.setId, setting: { at: 'lsn' } });
});
