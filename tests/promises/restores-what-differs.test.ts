import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { killRestore } from '#tests/support/kill-restore.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let instance: InstanceAccess;
let content: unknown;

const digest = `select count(*)::int as n, sum(hashtextextended(w::text, 0)::numeric)::text as hash from wide w`;
const pageBytes = 8192;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  instance = await instanceAccess(postgres);
  const space = restores.directory('space');
  restores.makeTablespaceDirectory(space);
  await postgres.sql(`create tablespace space location '${space}'`);
  await postgres.sql('create table wide (id int, text text) tablespace space');
  await postgres.sql(`insert into wide select g, repeat(md5(g::text), 30) from generate_series(1, 40000) g`);
  // Hint bits would change every page when it is read next.
  await postgres.sql('vacuum freeze');
  await postgres.sql('checkpoint');
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  content = (await postgres.sql(digest))[0];
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

const planDelta = (consent = 'overwrite test resource'): RestorePlan =>
  restores.plan({
    target: { at: 'immediate' },
    place: { kind: 'in-place', resourceId: newTestId('res'), directory: postgres.dataDirectory, consent },
    // The program of the server reads every file against the manifest, also those that were left as they stood.
    ways: { isDelta: true, provesFiles: true },
  });
const orderDelta = (): OrderOf<'restore'> => restores.order(planDelta(), { instance });
const setBytes = (): number => restores.sets[0]?.rawBytes ?? 0;

test('K-098 a delta restore wants a consent that says that the old files are written over, and its plan says it too', () => {
  expect(() => planDelta('test resource')).toThrow(
    expect.objectContaining({ code: 'delta_consent_mismatch' }) as Error,
  );
  expect(planDelta().steps.join('\n')).toContain('THERE IS NO WAY BACK');
});

test('K-098 K-119 a delta restore over a running instance is refused and touches nothing', async () => {
  await expect(restores.restore(orderDelta())).rejects.toMatchObject({ code: 'target_running' });
  expect(await postgres.sql(digest)).toEqual([content]);
});

test('K-098 a delta restore is refused, and touches nothing, where it is unproven whose data it is or its log could not be saved', async () => {
  await postgres.stop();
  for (const needed of ['global/pg_control', 'pg_wal']) {
    const [place, beside] = [join(postgres.dataDirectory, needed), join(postgres.dataDirectory, '..', 'beside')];
    renameSync(place, beside);
    const before = readdirSync(postgres.dataDirectory);
    await expect(restores.restore(orderDelta())).rejects.toMatchObject({ code: 'delta_unproven' });
    expect(readdirSync(postgres.dataDirectory)).toEqual(before);
    renameSync(beside, place);
  }
  await postgres.start();
  expect(await postgres.sql(digest)).toEqual([content]);
});

test('K-098 a delta restore of which the pool lacks a piece or log is refused, and touches nothing', async () => {
  await postgres.stop();
  const before = readdirSync(join(postgres.dataDirectory, 'global')).sort();
  const pool = join(bench.folder, 'pool');
  const set = join(pool, 'sets', restores.sets[0]?.setId ?? '');
  const [attempt = ''] = readdirSync(set).filter((name) => name.startsWith('try_'));
  const [piece = ''] = readdirSync(join(set, attempt)).sort();
  const lost = { name: '000000010000000000000003', branchId: '0'.repeat(32), rawSha256: '', storedSha256: '' };
  const object = `logs/1/${lost.branchId}/${lost.name}`;
  const plan = { ...planDelta(), segments: [{ ...lost, object }] } as unknown as RestorePlan;
  await expect(restores.restore(restores.order(plan, { instance }))).rejects.toMatchObject({ code: 'delta_unproven' });
  renameSync(join(set, attempt, piece), join(bench.folder, 'piece'));
  await expect(restores.restore(orderDelta())).rejects.toMatchObject({
    code: 'delta_unproven',
    message: expect.stringContaining(piece) as string,
  });
  renameSync(join(bench.folder, 'piece'), join(set, attempt, piece));
  expect(readdirSync(join(postgres.dataDirectory, 'global')).sort()).toEqual(before);
  await postgres.start();
  expect(await postgres.sql(digest)).toEqual([content]);
});

test('K-098 a delta restore writes few bytes when little differs, removes what the set does not have, and gives the same content', async () => {
  await postgres.sql(`update wide set text = 'changed' where id % 4000 = 0`);
  await postgres.sql('create table later as select 1 as one');
  await postgres.sql('checkpoint');
  await postgres.stop();
  writeFileSync(join(postgres.dataDirectory, 'left-behind'), 'x');
  const report = await restores.restore(orderDelta());
  expect(report).toMatchObject({ isOpen: true, directory: postgres.dataDirectory });
  expect(report.keptOldAt).toBeUndefined();
  expect(report.bytesWritten).toBeGreaterThan(10 * pageBytes);
  // Beside the changed pages, what lies inside the set and is not in place any more: its own log.
  expect(report.bytesWritten).toBeLessThan(setBytes() * 0.4);
  expect(await postgres.sql(digest)).toEqual([content]);
  expect(await postgres.sql(`select to_regclass('later') as later`)).toEqual([{ later: null }]);
  expect(existsSync(join(postgres.dataDirectory, 'left-behind'))).toBe(false);
  expect(readdirSync(postgres.dataDirectory).filter((name) => name.startsWith('.holdfast-restore'))).toEqual([]);
});

test('K-098 a delta restore killed in the middle cannot start, and the next attempt completes it', async () => {
  await postgres.sql(`update wide set text = md5(text)`);
  await postgres.sql('checkpoint');
  await restores.stop(postgres.dataDirectory);
  const order = { ...orderDelta(), limits: { diskBytesPerSecond: 12_000_000 } };
  await killRestore(order, { bench, postgres, restores, bytes: 6_000_000 });
  expect(existsSync(join(postgres.dataDirectory, 'global', 'pg_control'))).toBe(false);
  const report = await restores.restore(order);
  expect(report).toMatchObject({ isOpen: true });
  expect(await postgres.sql(digest)).toEqual([content]);
});

test('K-098 a delta restore that failed for good leaves a place without a control file, that another restore takes', async () => {
  await restores.stop(postgres.dataDirectory);
  const broken = { ...planDelta(), mustReach: 'FFFF/0' as RestorePlan['mustReach'] };
  await expect(restores.restore(restores.order(broken, { instance }))).rejects.toMatchObject({
    code: 'recovery_short',
  });
  expect(existsSync(join(postgres.dataDirectory, 'global', 'pg_control'))).toBe(false);
  // Only what an earlier delta left may be written over although nothing says any more whose it is.
  const report = await restores.restore(orderDelta());
  expect(report.warnings.map(({ code }) => code)).toContain('old_cluster_unknown');
  expect(existsSync(join(postgres.dataDirectory, '.holdfast-overwritten'))).toBe(false);
  expect(await postgres.sql(digest)).toEqual([content]);
});
