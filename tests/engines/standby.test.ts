import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby } from '#tests/support/standby.ts';

const isMatrix = process.env['HOLDFAST_MATRIX'] === '1';
/** Stories of the matrix are no skipped tests elsewhere: `npm test` does not promise them. */
const inMatrix = isMatrix ? test : undefined;
const majors: readonly Major[] = isMatrix ? [12, 13, 14, 15, 16, 17, 18] : [15];

describe.each(majors)('a standby of PostgreSQL %i', (major) => {
  let postgres: Postgres;
  let standby: Standby;
  let bench: BackupBench;
  let restores: RestoreBench;
  let primary: InstanceAccess;
  let access: InstanceAccess;

  beforeEach(async () => {
    const config = major >= 17 ? ['summarize_wal = on'] : [];
    postgres = await openPostgres({ major, archive: true, config });
    await postgres.sql('create table t as select g as id, md5(g::text) as word from generate_series(1, 5000) g');
    standby = await openStandby(postgres);
    bench = await openBackupBench();
    restores = openRestoreBench(bench, postgres);
    primary = await instanceAccess(postgres);
    const { dataDirectory, socketDirectory: socket } = standby;
    access = await instanceAccess(postgres, { dataDirectory, socket });
  });
  afterEach(async () => {
    await restores.close();
    await standby.close();
    bench.close();
    await postgres.close();
  });

  const take = async (order: OrderOf<'full-backup'>): Promise<SetSummary> => {
    const set = await bench.takeFullBackup(order, bench.step(order));
    const { damage } = await verifySet(await bench.openPool(), set.setId, 'full', bench.step(order));
    expect(damage).toEqual([]);
    return set;
  };
  const rowsOf = async (name: string, at: 'immediate' | 'latest'): Promise<unknown> => {
    const place = { kind: 'copy' as const, directory: restores.directory(name) };
    const report = await restores.restore(restores.order(restores.plan({ target: { at }, place })));
    return (await restores.sql(report, 'select count(*)::int as n, count(distinct word)::int as words from t'))[0];
  };

  test('gives a full and an incremental that begin behind a checkpoint of the primary, and the log of the primary leads on', async () => {
    await expect(take(bench.order(access))).rejects.toMatchObject({ code: 'backup_from_standby' });
    const full = await take({ ...bench.order(access), standby: { primary } });
    expect(full).toMatchObject({ type: 'full', isConsistent: true, timeline: 1, systemId: primary.systemId });
    restores.sets.push(full);
    if (isMatrix) expect(await rowsOf('full', 'immediate')).toEqual({ n: 5000, words: 5000 });
    await postgres.sql("update t set word = 'changed' where id <= 100");
    const base = { summary: full, wanted: 'differential' as const };
    const incremental = await take({ ...incrementalOrder(bench, access, base), standby: { primary } });
    expect(incremental).toMatchObject({ type: 'differential', base: { setId: full.setId } });
    expect(compareLsn(incremental.beginLsn, full.endLsn)).toBeGreaterThanOrEqual(0);
    restores.sets.push(incremental);
    if (isMatrix) expect(await rowsOf('incremental', 'immediate')).toEqual({ n: 5000, words: 4901 });
    await postgres.sql('delete from t where id > 4000');
    await restores.backUpLog(primary, postgres.archiveDirectory);
    expect(await rowsOf('latest', 'latest')).toEqual({ n: 4000, words: 3901 });
  });

  inMatrix?.(
    'gives a full without its primary, refuses one of another cluster, and fails when it is promoted meanwhile',
    async () => {
      const alone = await take({ ...bench.order(access), standby: {} });
      restores.sets.push(alone);
      expect(await rowsOf('alone', 'immediate')).toEqual({ n: 5000, words: 5000 });
      await expect(take({ ...bench.order(access), standby: { primary: access } })).rejects.toMatchObject({
        code: 'primary_other',
      });
      const order = { ...bench.order(access), standby: {} };
      let promoted: Promise<unknown> | undefined;
      const step = bench.step(order, {
        log: ({ message }) => {
          if (message === 'phase copy') promoted ??= standby.sql('select pg_promote()');
        },
        report: () => undefined,
      });
      const slow = { ...step, limits: () => ({ diskBytesPerSecond: 8_000_000 }) };
      await expect(bench.takeFullBackup(order, slow)).rejects.toMatchObject({ code: 'role_changed' });
      await promoted;
    },
  );
});
