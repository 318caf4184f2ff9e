import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { RestoreBench } from '#tests/support/restore.ts';

const majors: readonly Major[] = process.env['HOLDFAST_MATRIX'] === '1' ? [12, 13, 14, 15, 16, 17, 18] : [15];

describe.each(majors)('D-021 a set of PostgreSQL %i that was made without its log', (major) => {
  let postgres: Postgres;
  let bench: BackupBench;
  let restores: RestoreBench;
  let access: InstanceAccess;
  let full: SetSummary;

  beforeAll(async () => {
    postgres = await openPostgres({ major, archive: true });
    bench = await openBackupBench();
    restores = openRestoreBench(bench, postgres);
    access = await instanceAccess(postgres);
    await postgres.sql('create table t as select g as id, md5(g::text) as word from generate_series(1, 5000) g');
  });
  afterAll(async () => {
    await restores.close();
    bench.close();
    await postgres.close();
  });

  const withoutLog = () => ({ archiveDirectory: postgres.archiveDirectory, isWithoutLog: true });
  const take = async (order: OrderOf<'full-backup'>): Promise<SetSummary> => {
    const set = await bench.takeFullBackup(order, bench.step(order));
    restores.sets.push(set);
    return set;
  };
  const verify = async ({ setId }: SetSummary, depth: 'quick' | 'full') =>
    verifySet(await bench.openPool(), setId, depth, bench.step(bench.order(access)));
  const place = (name: string) => ({ kind: 'copy' as const, directory: restores.directory(name) });
  const rowsOf = async (name: string, changes: Parameters<RestoreBench['plan']>[0]): Promise<unknown> => {
    const plan = restores.plan({ ...changes, place: place(name) });
    const report = await restores.restore(restores.order(plan));
    return (await restores.sql(report, 'select count(*)::int as n, count(distinct word)::int as words from t'))[0];
  };
  const refusal = (ask: () => unknown): unknown => {
    try {
      return ask();
    } catch (error) {
      return error;
    }
  };
  const incremental = (base: SetSummary, options: { readonly isWithoutLog?: true } = {}) =>
    incrementalOrder(
      bench,
      access,
      { summary: base, wanted: 'differential' },
      { archiveDirectory: postgres.archiveDirectory, ...options },
    );

  test('holds no segment, says so, and is refused with the log that is missing until that is backed up', async () => {
    full = await take(bench.order(access, withoutLog()));
    expect(full).toMatchObject({ type: 'full', isConsistent: false });
    const set = await openSet(await bench.openPool(), full.setId);
    expect(set.meta.members.filter(({ path }) => /^pg_wal\/[0-9A-F]{24}$/.test(path))).toEqual([]);
    await set.close();
    const missing = {
      code: 'set_log_missing',
      params: { setId: full.setId, reason: expect.stringContaining(full.endSegment) as string },
    };
    for (const at of ['immediate', 'latest'] as const)
      expect(refusal(() => restores.plan({ target: { at } }))).toMatchObject(missing);
    expect(refusal(() => restores.plan({ target: { at: 'latest' }, setId: full.setId }))).toMatchObject(missing);
    const { damage, warnings } = await verify(full, 'full');
    expect({ damage, warnings }).toMatchObject({ damage: [], warnings: [{ code: 'set_log_missing' }] });
    expect(bench.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('the set holds no log'));
  });

  test('is no base of an incremental while nobody has its log', async () => {
    const order = incremental(full);
    const became = await bench.takeFullBackup(order, bench.step(order));
    expect(became).toMatchObject({ type: 'full', isConsistent: true, warnings: [{ code: 'became_full' }] });
  });

  test('restores to its backup state and to every later point once its log is in the pool', async () => {
    await postgres.sql("update t set word = 'changed' where id <= 100");
    await restores.backUpLog(access, postgres.archiveDirectory);
    for (const depth of ['quick', 'full'] as const) {
      const { damage, warnings = [] } = await verify(full, depth);
      expect({ damage, warnings }).toEqual({ damage: [], warnings: [] });
    }
    expect(await rowsOf('state', { target: { at: 'immediate', setId: full.setId } })).toEqual({ n: 5000, words: 5000 });
    expect(await rowsOf('latest', { target: { at: 'latest' } })).toEqual({ n: 5000, words: 4901 });
  });

  test('carries incrementals with and without log of their own', async () => {
    await postgres.sql('delete from t where id > 4000');
    const bare = await take(incremental(full, { isWithoutLog: true }));
    expect(bare).toMatchObject({ type: 'differential', isConsistent: false, base: { setId: full.setId } });
    await restores.backUpLog(access, postgres.archiveDirectory);
    await postgres.sql('delete from t where id > 3000');
    const top = await take(incremental(bare));
    expect(top).toMatchObject({ type: 'differential', isConsistent: true, base: { setId: bare.setId } });
    expect(await rowsOf('bare', { target: { at: 'immediate', setId: bare.setId } })).toEqual({ n: 4000, words: 3901 });
    expect(await rowsOf('top', { target: { at: 'immediate', setId: top.setId } })).toEqual({ n: 3000, words: 2901 });
  });

  test('is damaged when the log that it needs is', async () => {
    const pool = join(bench.folder, 'pool');
    const object = readdirSync(pool, { recursive: true, encoding: 'utf8' }).find(
      (path) => path.startsWith('logs/') && path.includes(full.endSegment),
    );
    const path = join(pool, object ?? '');
    const whole = readFileSync(path);
    writeFileSync(path, Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.readUInt8(whole.length - 1) ^ 1])]));
    expect((await verify(full, 'quick')).damage).toEqual([]);
    expect((await verify(full, 'full')).damage).toMatchObject([
      { object: expect.stringContaining(full.endSegment) as string },
    ]);
    writeFileSync(path, whole.subarray(0, -1));
    expect((await verify(full, 'quick')).damage).toHaveLength(1);
    writeFileSync(path, whole);
    expect((await verify(full, 'full')).damage).toEqual([]);
  });
});
