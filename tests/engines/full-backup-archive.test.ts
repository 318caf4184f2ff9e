import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { takeLogBackup } from '#agent/wal/take-log-backup.ts';
import type { ArchiveRetention } from '#core/agent/order.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';

test('K-080 a full backup deletes archived log that every pool holds, and only when asked', async () => {
  const postgres = await openPostgres({ major: 15, archive: true });
  const bench = await openBackupBench();
  const archived = (): string[] => readdirSync(postgres.archiveDirectory).filter(isSegmentName).sort();
  try {
    const instance = await instanceAccess(postgres);
    for (const name of ['a', 'b', 'c']) {
      await postgres.sql(`create table ${name} (n int)`);
      await postgres.sql('select pg_switch_wal()');
    }
    const backUp = async (mode: ArchiveRetention['mode']): Promise<void> => {
      const archiveRetention: ArchiveRetention = mode === 'keep-days' ? { mode, days: 7 } : { mode };
      const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory, archiveRetention });
      await bench.takeFullBackup({ ...order, archive: { pools: [bench.pool], neededFrom: [] } }, bench.step(order));
    };
    await backUp('delete');
    await expect.poll(archived).toHaveLength(4);
    const channel = { putBatch: () => Promise.resolve() };
    const log = takeLogBackup({
      clock: { nowMs: () => Date.now() },
      newId: newTestId,
      neededLog: () => Promise.resolve([]),
      channel,
    });
    const { pool, ...head } = bench.order(instance, {
      archiveDirectory: postgres.archiveDirectory,
      archiveRetention: { mode: 'keep' },
    });
    await log({ ...head, kind: 'log-backup', pools: [pool], neededFrom: [] }, bench.step(bench.order(instance)));
    const held = archived();
    await backUp('keep');
    await backUp('keep-days');
    expect(archived()).toEqual(expect.arrayContaining(held));
    await backUp('delete');
    expect(archived().filter((name) => held.includes(name))).toEqual([]);
    expect(archived().length).toBeGreaterThan(0);
  } finally {
    bench.close();
    await postgres.close();
  }
});

test('log segments too large for memory go into an encrypted set like any other', async () => {
  const postgres = await openPostgres({ major: 15, archive: true, segmentMiB: 128 });
  const bench = await openBackupBench({ passphrase: 'correct horse battery staple' });
  try {
    const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
    const summary = await bench.takeFullBackup(order, bench.step(order));
    expect(summary).toMatchObject({ isEncrypted: true, segmentBytes: 128 * 1024 * 1024 });
    const pool = await bench.openPool();
    expect(await verifySet(pool, order.setId, 'full', bench.step(order))).toMatchObject({ damage: [] });
    const set = await openSet(pool, order.setId);
    expect(await set.readMember(`pg_wal/${summary.beginSegment}`)).toHaveLength(summary.segmentBytes);
  } finally {
    bench.close();
    await postgres.close();
  }
});
