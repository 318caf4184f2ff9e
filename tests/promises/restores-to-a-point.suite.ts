import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { parseInstant } from '#core/instant.ts';
import type { Instant } from '#core/instant.ts';
import type { RestoreTarget } from '#core/restore/target.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

interface Step {
  /** Value of `ledger.id` that this commit wrote. */
  readonly id: number;
  readonly at: Instant;
  readonly lsn: string;
  readonly xid: string;
}

/** The promises about points in the log, told of one major version: each has a file of its own, so none takes long. */
export const restoresToAPoint = (major: Major): void => {
  describe.each([major])('a point in the log of PostgreSQL %i', () => {
    let postgres: Postgres;
    let bench: BackupBench;
    let restores: RestoreBench;
    let instance: InstanceAccess;
    const steps: Step[] = [];

    /** One commit of its own, with its commit time as the server knows it. */
    const commit = async (id: number): Promise<Step> => {
      const client = await postgres.connect();
      try {
        const insert = await client.query<{ xid: string }>(
          `insert into ledger values (${String(id)}) returning xmin::text as xid`,
        );
        const xid = insert.rows[0]?.xid ?? '';
        const facts = await client.query<{ at: string; lsn: string }>(
          `select to_char(pg_xact_commit_timestamp('${xid}'::xid) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, pg_current_wal_insert_lsn()::text as lsn`,
        );
        const [row] = facts.rows;
        return { id, xid, at: parseInstant(row?.at ?? ''), lsn: row?.lsn ?? '' };
      } finally {
        await client.end();
      }
    };
    beforeAll(async () => {
      postgres = await openPostgres({ major, archive: true, config: ['track_commit_timestamp = on'] });
      bench = await openBackupBench();
      restores = openRestoreBench(bench, postgres);
      instance = await instanceAccess(postgres);
      await postgres.sql('create table ledger (id int primary key)');
      const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
      restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
      for (const id of [1, 2]) steps.push(await commit(id));
      await postgres.sql("select pg_create_restore_point('after two')");
      for (const id of [3, 4]) {
        await postgres.sql('select pg_switch_wal()');
        steps.push(await commit(id));
      }
      await restores.backUpLog(instance, postgres.archiveDirectory);
    });
    afterAll(async () => {
      await restores.close();
      bench.close();
      await postgres.close();
    });

    const step = (id: number): Step =>
      steps.find((one) => one.id === id) ?? { id, at: parseInstant('1970-01-01T00:00:00Z'), lsn: '0/0', xid: '0' };
    const idsAt = async (target: RestoreTarget): Promise<{ ids: unknown[]; report: RestoreReport }> => {
      const directory = restores.directory(`copy-${target.at}-${String(copies++)}`);
      const report = await restores.restore(
        restores.order(restores.plan({ target, place: { kind: 'copy', directory } })),
      );
      const rows = await restores.sql(report, 'select id from ledger order by id');
      await restores.stop(directory);
      return { ids: rows.map((row) => row['id']), report };
    };
    let copies = 0;

    test('K-095 K-096 latest brings back every committed row', async () => {
      expect((await idsAt({ at: 'latest' })).ids).toEqual([1, 2, 3, 4]);
    });
    test('K-095 a time stops after the commit of that time and before the next', async () => {
      expect((await idsAt({ at: 'time', time: step(2).at, isInclusive: true })).ids).toEqual([1, 2]);
      expect((await idsAt({ at: 'time', time: step(2).at, isInclusive: false })).ids).toEqual([1]);
    });
    test('a time equal to the last commit is reached though no later commit is in the log', async () => {
      expect((await idsAt({ at: 'time', time: step(4).at, isInclusive: true })).ids).toEqual([1, 2, 3, 4]);
    });
    test('an LSN stops at the first record that begins there', async () => {
      expect((await idsAt({ at: 'lsn', lsn: parseLsn(step(3).lsn), isInclusive: false })).ids).toEqual([1, 2, 3]);
    });
    test('a restore point stops where it was made', async () => {
      expect((await idsAt({ at: 'name', name: 'after two' })).ids).toEqual([1, 2]);
    });
    if (major > 12) {
      test('a transaction stops after it, or just before it', async () => {
        expect((await idsAt({ at: 'xid', xid: step(3).xid, isInclusive: true })).ids).toEqual([1, 2, 3]);
        expect((await idsAt({ at: 'xid', xid: step(3).xid, isInclusive: false })).ids).toEqual([1, 2]);
      });
    } else {
      test('PostgreSQL 12 never promotes at an unreached target: a transaction the log cannot prove is refused', () => {
        const target: RestoreTarget = { at: 'xid', xid: step(3).xid, isInclusive: true };
        expect(() => restores.plan({ target })).toThrow(/cannot prove/);
      });
    }
    test('K-097 the backup state holds nothing that came later', async () => {
      expect((await idsAt({ at: 'immediate' })).ids).toEqual([]);
    });
    test('unreachable points are refused at the plan and name the nearest reachable ones', () => {
      const plan = (target: RestoreTarget) => () => restores.plan({ target });
      const thrown = (code: string): Error => expect.objectContaining({ code }) as Error;
      expect(plan({ at: 'time', time: parseInstant('2001-01-01T00:00:00Z'), isInclusive: true })).toThrow(
        thrown('point_before_first_set'),
      );
      expect(plan({ at: 'time', time: parseInstant('2199-01-01T00:00:00Z'), isInclusive: true })).toThrow(
        thrown('point_after_latest'),
      );
      expect(plan({ at: 'name', name: 'never made' })).toThrow(thrown('name_unknown'));
    });
    test('K-107 a copy left closed is shut down, recovered and not promoted', async () => {
      const directory = restores.directory('closed');
      const plan = restores.plan({
        target: { at: 'time', time: step(2).at, isInclusive: true },
        place: { kind: 'copy', directory },
        isOpenedAfter: false,
      });
      const report = await restores.restore(restores.order(plan));
      expect(report).toMatchObject({ isOpen: false, timeline: 1 });
      expect(existsSync(join(directory, 'postmaster.pid'))).toBe(false);
      expect(existsSync(join(directory, 'recovery.signal'))).toBe(true);
      expect(existsSync(join(directory, 'pg_wal', '00000002.history'))).toBe(false);
    });
    test('a missing segment of the plan stops the restore before the server starts', async () => {
      const directory = restores.directory('missing');
      const plan = restores.plan({ target: { at: 'latest' }, place: { kind: 'copy', directory } });
      const [first, ...rest] = plan.segments;
      if (first === undefined) return expect.fail('the plan has no segments');
      const broken = { ...plan, segments: [{ ...first, object: `${first.object}x` }, ...rest] };
      await expect(restores.restore(restores.order(broken))).rejects.toMatchObject({ code: 'restore_log_missing' });
      expect(existsSync(join(directory, 'global', 'pg_control'))).toBe(false);
    });
    test('log that ends before the plan fails the restore instead of opening short', async () => {
      const directory = restores.directory('short');
      const plan = restores.plan({ target: { at: 'latest' }, place: { kind: 'copy', directory } });
      const broken = { ...plan, segments: plan.segments.slice(0, -1) };
      await expect(restores.restore(restores.order(broken))).rejects.toMatchObject({ code: 'recovery_short' });
      expect(existsSync(join(directory, 'postmaster.pid'))).toBe(false);
    });
  });
};
