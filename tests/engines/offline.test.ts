import { appendFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BackupOptions, InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { workingIn } from '#agent/datadir/writer-running.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { RestoreBench } from '#tests/support/restore.ts';

const isMatrix = process.env['HOLDFAST_MATRIX'] === '1';
/** Stories of the matrix are no skipped tests elsewhere: `npm test` does not promise them. */
const inMatrix = isMatrix ? test : undefined;
const majors: readonly Major[] = isMatrix ? [12, 13, 14, 15, 16, 17, 18] : [15];
const counts =
  'select (select count(*)::int from kept) as kept, (select count(*)::int from loose) as loose, (select count(*)::int from far_rows) as far';

interface Stage {
  readonly postgres: Postgres;
  readonly bench: BackupBench;
  readonly restores: RestoreBench;
  readonly access: InstanceAccess;
}

async function openStage(major: Major, config: readonly string[] = [], archive = true): Promise<Stage> {
  const postgres = await openPostgres({ major, archive, config });
  const bench = await openBackupBench();
  const access = await instanceAccess(postgres);
  const { login, ...closed } = access;
  expect(login).toBeDefined();
  return { postgres, bench, restores: openRestoreBench(bench, postgres), access: closed };
}

async function closeStage({ restores, bench, postgres }: Stage): Promise<void> {
  await restores.close();
  bench.close();
  await postgres.close();
}

/** A crash, and the end of what the dead server left: its processes notice one by one that it is gone. */
async function crash({ postgres }: Stage): Promise<void> {
  await postgres.kill();
  await vi.waitUntil(() => workingIn(postgres.dataDirectory) === undefined, { timeout: 20_000, interval: 20 });
}

const orderOf = ({ bench, access, postgres }: Stage): OrderOf<'full-backup'> => ({
  ...bench.order(access, { archiveDirectory: postgres.archiveDirectory }),
  isOffline: true,
});

async function take(stage: Stage, options: Partial<BackupOptions> = {}): Promise<SetSummary> {
  const plain = orderOf(stage);
  const order = { ...plain, options: { ...plain.options, ...options } };
  return stage.bench.takeFullBackup(order, stage.bench.step(order));
}

const poolObjects = ({ bench }: Stage): string[] =>
  readdirSync(join(bench.folder, 'pool'), { recursive: true, encoding: 'utf8' });

async function refusal(stage: Stage, options: Partial<BackupOptions> = {}): Promise<unknown> {
  const before = poolObjects(stage);
  const error = await take(stage, options).catch((refused: unknown) => refused);
  expect(poolObjects(stage)).toEqual(before);
  return error;
}

/** Restores a set alone, or with the log behind it, to a directory of its own. */
async function restore(
  { restores }: Stage,
  set: SetSummary,
  name: string,
  ways: { readonly target?: { readonly at: 'immediate' | 'latest' }; readonly isOpenedAfter?: boolean } = {},
): Promise<RestoreReport> {
  const spaces = set.tablespaces.map(({ oid }) => [String(oid), restores.directory(`${name}-${String(oid)}`)] as const);
  restores.sets.splice(0, restores.sets.length, set);
  const plan = restores.plan({
    target: ways.target ?? { at: 'immediate' },
    place: { kind: 'copy', directory: restores.directory(name) },
    tablespaceMap: Object.fromEntries(spaces),
    isOpenedAfter: ways.isOpenedAfter ?? true,
  });
  const report = await restores.restore(restores.order(plan));
  return report;
}

describe.each(majors)('D-007 a closed instance of PostgreSQL %i', (major) => {
  let stage: Stage;
  let crashed: SetSummary;
  let clean: SetSummary;

  beforeAll(async () => {
    stage = await openStage(major);
    const { postgres, restores } = stage;
    const space = join(postgres.folder, 'space');
    restores.makeTablespaceDirectory(space);
    await postgres.sql(`create tablespace far location '${space}'`);
    await postgres.sql('create table kept as select g as id, md5(g::text) as word from generate_series(1, 20000) g');
    await postgres.sql('create unlogged table loose as select 1 as id');
    await postgres.sql('create table far_rows tablespace far as select g as id from generate_series(1, 500) g');
  });
  afterAll(async () => {
    await closeStage(stage);
  });

  test('is refused while its server runs, with nothing in the pool', async () => {
    expect(await refusal(stage)).toMatchObject({ code: 'instance_running', isRetryable: false });
  });

  test('D-021 after a crash is refused without its log, and gives a set with the log up to its last record, which starts by itself', async () => {
    const { postgres, bench, restores } = stage;
    await postgres.sql('checkpoint');
    await postgres.sql('select pg_switch_wal()');
    await postgres.sql('insert into kept select g, md5(g::text) from generate_series(20001, 60000) g');
    await crash(stage);
    expect(await refusal(stage, { isWithoutLog: true })).toMatchObject({
      code: 'instance_unfit_offline',
      params: { reason: expect.stringContaining('--without-log') as string },
    });
    crashed = await take(stage);
    expect(crashed).toMatchObject({
      ...{ type: 'full', isConsistent: true, timeline: 1 },
      offline: { state: 'crashed', isLogMinimal: false },
    });
    expect((await verifySet(await bench.openPool(), crashed.setId, 'full', bench.step(orderOf(stage)))).damage).toEqual(
      [],
    );
    if (isMatrix) {
      const alone = await materialise(bench, crashed.setId, postgres);
      expect(await alone.sql(counts)).toEqual([{ kept: 60000, loose: 0, far: 500 }]);
      await alone.close();
    }
    const report = await restore(stage, crashed, 'crashed');
    expect(report).toMatchObject({ isOpen: true, timeline: 2, reachedLsn: crashed.endLsn });
    expect(await restores.sql(report, counts)).toEqual([{ kept: 60000, loose: 0, far: 500 }]);
  });

  inMatrix?.('after a crash is restored closed, and to a point of the log behind it', async () => {
    const { postgres, restores } = stage;
    const left = await restore(stage, crashed, 'crashed-closed', { isOpenedAfter: false });
    expect(left).toMatchObject({ isOpen: false, timeline: 1 });
    await postgres.start();
    await postgres.sql('insert into kept select g, md5(g::text) from generate_series(60001, 60100) g');
    await restores.backUpLog(await instanceAccess(postgres), postgres.archiveDirectory);
    const report = await restore(stage, crashed, 'crashed-latest', { target: { at: 'latest' } });
    expect(await restores.sql(report, counts)).toEqual([{ kept: 60100, loose: 0, far: 500 }]);
  });

  test('D-021 after a clean shutdown gives, also without log, a set that ends at the shutdown checkpoint and opens on a new timeline', async () => {
    const { postgres, restores } = stage;
    // Why again: without the matrix the server is still as it crashed.
    if (postgres.pid() === undefined) await postgres.start();
    await postgres.stop();
    clean = await take(stage, { isWithoutLog: true });
    expect(clean).toMatchObject({ offline: { state: 'clean', isLogMinimal: false }, isConsistent: true });
    expect(clean.beginSegment).toBe(clean.endSegment);
    const report = await restore(stage, clean, 'clean');
    expect(report).toMatchObject({ isOpen: true, timeline: 2, reachedLsn: clean.endLsn });
    const kept = isMatrix ? 60100 : 60000;
    expect(await restores.sql(report, counts)).toEqual([{ kept, loose: 0, far: 500 }]);
    expect(await restore(stage, clean, 'clean-closed', { isOpenedAfter: false })).toMatchObject({ isOpen: false });
  });

  inMatrix?.('after a clean shutdown carries later log and incrementals', async () => {
    const { postgres, restores, bench } = stage;
    await postgres.start();
    await postgres.sql('delete from kept where id > 50000');
    const access = { ...(await instanceAccess(postgres)), resourceId: stage.access.resourceId };
    const options = { archiveDirectory: postgres.archiveDirectory };
    const order = incrementalOrder(bench, access, { summary: clean, wanted: 'differential' }, options);
    const incremental = await bench.takeFullBackup(order, bench.step(order));
    expect(incremental).toMatchObject({ type: 'differential' });
    expect(incremental).not.toHaveProperty('offline');
    await restores.backUpLog(access, postgres.archiveDirectory);
    const report = await restore(stage, clean, 'clean-latest', { target: { at: 'latest' } });
    expect(await restores.sql(report, counts)).toEqual([{ kept: 50000, loose: 0, far: 500 }]);
  });
});

describe('D-007 a closed instance', () => {
  inMatrix?.('with wal_level = minimal opens from its set on its own timeline, crashed or not', async () => {
    const stage = await openStage(15, ['wal_level = minimal', 'max_wal_senders = 0'], false);
    const { postgres, restores } = stage;
    try {
      await postgres.sql('create table kept as select g as id from generate_series(1, 1000) g');
      await postgres.sql('create unlogged table loose as select 1 as id');
      await postgres.sql('create table far_rows (id int)');
      await crash(stage);
      const crashed = await take(stage);
      expect(crashed).toMatchObject({ offline: { state: 'crashed', isLogMinimal: true } });
      const report = await restore(stage, crashed, 'minimal');
      expect(report).toMatchObject({ isOpen: true, timeline: 1 });
      expect(await restores.sql(report, counts)).toEqual([{ kept: 1000, loose: 0, far: 0 }]);
      await postgres.start();
      await postgres.stop();
      const clean = await restore(stage, await take(stage), 'minimal-clean');
      expect(await restores.sql(clean, counts)).toEqual([{ kept: 1000, loose: 0, far: 0 }]);
    } finally {
      await closeStage(stage);
    }
  });

  test('is refused when a recovery in it did not end, when its log is gone, or when it is another cluster', async () => {
    const stage = await openStage(15);
    const { postgres } = stage;
    const { dataDirectory } = postgres;
    try {
      await postgres.stop();
      writeFileSync(join(dataDirectory, 'recovery.signal'), '');
      expect(await refusal(stage)).toMatchObject({ code: 'instance_unfit_offline' });
      rmSync(join(dataDirectory, 'recovery.signal'));
      expect(await refusal({ ...stage, access: { ...stage.access, systemId: '1' } })).toMatchObject({
        code: 'system_id_mismatch',
      });
      const log = join(dataDirectory, 'pg_wal');
      for (const name of readdirSync(log).filter((one) => /^[0-9A-F]{24}$/.test(one))) rmSync(join(log, name));
      expect(await refusal(stage)).toMatchObject({ code: 'log_segment_missing' });
    } finally {
      await closeStage(stage);
    }
  });

  inMatrix?.('that crashed before it wrote anything counts as clean and opens from its set', async () => {
    const stage = await openStage(15);
    const { postgres, restores } = stage;
    try {
      await postgres.sql('create table kept as select g as id from generate_series(1, 1000) g');
      await postgres.stop();
      await postgres.start();
      await crash(stage);
      const set = await take(stage);
      expect(set).toMatchObject({ offline: { state: 'clean' } });
      const report = await restore(stage, set, 'idle');
      expect(report).toMatchObject({ isOpen: true, timeline: 2 });
      expect(await restores.sql(report, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
    } finally {
      await closeStage(stage);
    }
  });

  test('that is opened while it is copied gives no set', async () => {
    const stage = await openStage(15);
    const { postgres, bench } = stage;
    try {
      await postgres.stop();
      const order = orderOf(stage);
      const started = { done: false };
      const step = bench.step(order, {
        log: ({ message }) => {
          if (message !== 'phase log' || started.done) return;
          started.done = true;
          appendFileSync(join(postgres.dataDirectory, 'postmaster.pid'), `${String(process.pid)}\n`);
        },
      });
      await expect(bench.takeFullBackup(order, step)).rejects.toMatchObject({ code: 'instance_running' });
      expect(poolObjects(stage).filter((path) => path.endsWith('/meta'))).toEqual([]);
    } finally {
      rmSync(join(postgres.dataDirectory, 'postmaster.pid'), { force: true });
      await closeStage(stage);
    }
  });
});
