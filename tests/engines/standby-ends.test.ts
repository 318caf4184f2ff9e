import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { committedSummary } from '#agent/backup/committed-summary.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby, openTwin } from '#tests/support/standby.ts';

const majors: readonly Major[] = process.env['HOLDFAST_MATRIX'] === '1' ? [12, 13, 14, 15, 16, 17, 18] : [15];

describe.each(majors)('K-047 a backup of a standby of PostgreSQL %i', (major) => {
  let postgres: Postgres;
  let twin: Omit<Standby, 'cut'> | undefined;
  let standby: Standby;
  let bench: BackupBench;
  let access: InstanceAccess;

  beforeEach(() => {
    twin = undefined;
  });
  afterEach(async () => {
    await standby.close();
    await twin?.close();
    bench.close();
    await postgres.close();
  });

  const open = async (hasTwin = false): Promise<void> => {
    postgres = await openPostgres({ major, archive: true });
    bench = await openBackupBench();
    await postgres.sql('create table t as select g as id, md5(g::text) as word from generate_series(1, 5000) g');
    if (hasTwin) twin = await openTwin(postgres);
    await postgres.sql('insert into t select g from generate_series(1, 1000) g');
    standby = await openStandby(postgres);
    const { dataDirectory, socketDirectory: socket } = standby;
    access = await instanceAccess(postgres, { dataDirectory, socket });
  };
  const orderWith = (primary: InstanceAccess): OrderOf<'full-backup'> => ({
    ...bench.order(access),
    standby: { primary },
  });

  /** Takes a backup that stands still when files are to be copied, until something has happened. */
  const takeOver = async (order: OrderOf<'full-backup'>, happen: () => Promise<unknown>): Promise<unknown> => {
    let happened: Promise<unknown> | undefined;
    let isPaused = true;
    const step = bench.step(order, {
      limits: () => ({ isPaused }),
      log: (line) => {
        bench.lines.push(line);
        if (line.message !== 'phase copy' || happened !== undefined) return;
        happened = happen().finally(() => {
          isPaused = false;
        });
      },
    });
    const taken = await bench.takeFullBackup(order, step).catch((error: unknown) => error as HoldfastError);
    expect(happened).toBeDefined();
    await happened;
    return taken;
  };

  /** Neither a set in the pool nor a session on a server. */
  const expectNothingLeft = async (
    { setId }: OrderOf<'full-backup'>,
    ...servers: Pick<Standby, 'sql'>[]
  ): Promise<void> => {
    const pool = await bench.openPool();
    expect(await committedSummary(pool, setId)).toBeUndefined();
    await pool.close();
    const ours = "select 1 from pg_stat_activity where application_name = 'holdfast'";
    for (const server of servers)
      expect(await waitFor(async () => (await server.sql(ours)).length === 0, 20_000)).toBe(true);
  };

  test('is refused before anything begins when the server named as its primary is another one', async () => {
    await open(true);
    if (twin === undefined) return;
    const { dataDirectory, socketDirectory: socket } = twin;
    const order = orderWith(await instanceAccess(postgres, { dataDirectory, socket }));
    const [before] = await twin.sql('select checkpoint_lsn::text as lsn from pg_control_checkpoint()');
    await expect(bench.takeFullBackup(order, bench.step(order))).rejects.toMatchObject({
      ...{
        code: 'primary_other',
        params: { reason: expect.stringMatching(/^its log ends at .*, the standby has log up/) as string },
      },
    });
    for (const statement of [
      'create table a ()',
      'select pg_switch_wal()',
      'create table b ()',
      'select pg_switch_wal()',
      'create table c ()',
    ])
      await twin.sql(statement);
    await expect(bench.takeFullBackup(order, bench.step(order))).rejects.toMatchObject({
      ...{ code: 'primary_other', params: { reason: expect.stringMatching(/^nobody receives its log/) as string } },
    });
    expect(await twin.sql('select checkpoint_lsn::text as lsn from pg_control_checkpoint()')).toEqual([before]);
    expect(bench.lines.map(({ message }) => message).join()).not.toMatch(/backup mode began/);
    await expectNothingLeft(order, postgres, standby, twin);
  });

  test('logs in to the primary again that ended its session meanwhile, and fails when the primary is gone', async () => {
    await open();
    const primary = await instanceAccess(postgres);
    const end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'";
    expect(await takeOver(orderWith(primary), () => postgres.sql(end))).toMatchObject({ type: 'full', timeline: 1 });
    const order = orderWith(primary);
    expect(await takeOver(order, () => postgres.kill())).toMatchObject({
      ...{ code: 'instance_unreachable', params: { instance: `${postgres.socketDirectory}:${String(postgres.port)}` } },
    });
    await expectNothingLeft(order, standby);
  });

  test('fails when the standby is promoted meanwhile, and leaves the new primary as it is', async () => {
    await open();
    const order = orderWith(await instanceAccess(postgres));
    const promote = () => standby.sql('select pg_promote(true, 60)');
    expect(await takeOver(order, promote)).toMatchObject({
      code: 'role_changed',
      params: { before: 'standby', after: 'primary' },
    });
    await expectNothingLeft(order, standby, postgres);
    await standby.sql('insert into t values (0)');
  });
});
