import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import { begin } from '#agent/backup/begin.ts';
import { openRunJournal } from '#agent/backup/run-journal.ts';
import { inspect } from '#agent/database/preflight.ts';
import { openSession } from '#agent/database/session.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby } from '#tests/support/standby.ts';

let postgres: Postgres;
let standby: Standby;
let bench: BackupBench;
let order: OrderOf<'full-backup'>;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true, config: ['checkpoint_timeout = 1h'] });
  await postgres.sql('create table t as select g as id from generate_series(1, 1000) g');
  standby = await openStandby(postgres);
  bench = await openBackupBench();
  const { dataDirectory, socketDirectory: socket } = standby;
  order = { ...bench.order(await instanceAccess(postgres, { dataDirectory, socket })), standby: {} };
});
afterAll(async () => {
  await standby.close();
  bench.close();
  await postgres.close();
});

const lsnOf = ([row]: readonly Record<string, unknown>[]): Lsn => parseLsn(String(row?.['lsn']));
const replayed = async (): Promise<Lsn> => lsnOf(await standby.sql('select pg_last_wal_replay_lsn()::text as lsn'));
const written = async (): Promise<Lsn> => lsnOf(await postgres.sql('select pg_current_wal_flush_lsn()::text as lsn'));
async function caughtUp(): Promise<Lsn> {
  const lsn = await written();
  await waitFor(async () => compareLsn(await replayed(), lsn) >= 0, 30_000);
  return lsn;
}

/** Begins backup mode on the standby; `least` is asked when it has begun for the first time. */
async function beginBehind(least: () => Promise<Lsn>): Promise<{ readonly lsn: Lsn; readonly forced: number }> {
  const session = await openSession(order.instance);
  const journal = openRunJournal(bench.home, order.runId);
  const pool = await bench.openPool();
  try {
    bench.lines.length = 0;
    const clock = { nowMs: () => Date.now() };
    const neededLog = () => Promise.resolve([]);
    const deps = { home: bench.home, clock, newId: newTestId, neededLog, toolVersion: '0' };
    const attempt = { deps, order, step: bench.step(order), journal, pool, session };
    const inspected = await inspect(session, { instance: order.instance, archiveDirectory: undefined });
    const { beginLsn } = await begin(attempt, { inspected, history: '' }, least);
    const forced = bench.lines.filter(({ message }) => message.includes('a checkpoint is forced')).length;
    return { lsn: beginLsn, forced };
  } finally {
    await session.close();
    journal.close();
    await pool.close();
  }
}

test('D-019 forces checkpoints until the begin lies behind the end of the base, which a standby reaches a moment later', async () => {
  await postgres.sql('insert into t select generate_series(1, 1000)');
  let endOfBase = parseLsn('0/0');
  const { lsn, forced } = await beginBehind(async () => {
    // The standby began at its last restartpoint. Meanwhile its primary made the checkpoint that can be the next one.
    endOfBase = await caughtUp();
    await postgres.sql('checkpoint');
    await caughtUp();
    return endOfBase;
  });
  expect(forced).toBe(1);
  expect(compareLsn(lsn, endOfBase)).toBeGreaterThanOrEqual(0);
});

test('D-019 gives up after three, and answers a begin before the base: the caller makes a full', async () => {
  await postgres.sql('insert into t select generate_series(1, 1000)');
  const endOfBase = await caughtUp();
  const { lsn, forced } = await beginBehind(() => Promise.resolve(endOfBase));
  expect(forced).toBe(3);
  expect(compareLsn(lsn, endOfBase)).toBeLessThan(0);
});
