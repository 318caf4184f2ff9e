import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { lookAtPlace } from '#agent/restore/place/look-at-place.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let instance: InstanceAccess;
let space: string;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  instance = await instanceAccess(postgres);
  space = restores.directory('space');
  restores.makeTablespaceDirectory(space);
  await postgres.sql(`create tablespace space location '${space}'`);
  await postgres.sql('create table ledger tablespace space as select g as id from generate_series(1, 1000) g');
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await postgres.sql('insert into ledger select g from generate_series(1001, 2000) g');
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

const planInPlace = (consent = 'test resource'): RestorePlan =>
  restores.plan({
    target: { at: 'immediate' },
    place: { kind: 'in-place', resourceId: newTestId('res'), directory: postgres.dataDirectory, consent },
  });
/** A copy needs a place of its own for the tablespace. */
const copySpace = (name: string): Record<string, string> => {
  const [oid = ''] = Object.keys(planInPlace().tablespaceMap);
  return { [oid]: restores.directory(name) };
};
const copies = (): string[] => readdirSync(postgres.folder).filter((name) => name.includes('.before-'));

test('K-119 a running instance is refused with its client connections, and stays as it is', async () => {
  const client = await postgres.connect();
  try {
    await expect(restores.restore(restores.order(planInPlace(), { instance }))).rejects.toMatchObject({
      code: 'target_running',
      params: { clients: expect.stringContaining('postgres postgres') as string },
    });
  } finally {
    await client.end();
  }
  expect(await postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 2000 }]);
  expect(copies()).toEqual([]);
});

test('a restore in place without the name of the resource typed is refused at the plan', () => {
  expect(() => planInPlace('yes')).toThrow(expect.objectContaining({ code: 'consent_mismatch' }) as Error);
});

test('another cluster at the place is refused and stays', async () => {
  await postgres.stop();
  const other = { ...planInPlace(), systemId: '7000000000000000001' };
  await expect(restores.restore(restores.order(other, { instance }))).rejects.toMatchObject({
    code: 'system_id_of_restore',
  });
  expect(copies()).toEqual([]);
});

test('a place that is no tablespace of the instance is refused when it holds anything, before anything moves', async () => {
  const plan = planInPlace();
  const [oid = ''] = Object.keys(plan.tablespaceMap);
  const foreign = restores.directory('foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'precious'), 'mine');
  const mapped = restores.order({ ...plan, tablespaceMap: { [oid]: foreign } }, { instance });
  await expect(restores.restore(mapped)).rejects.toMatchObject({ code: 'target_not_empty', params: { path: foreign } });
  expect([
    readdirSync(foreign),
    copies(),
    readdirSync(restores.directory('.')).filter((name) => name.includes('before')),
  ]).toEqual([['precious'], [], []]);
});

test('K-098 a tablespace whose place clusters of other versions share is refused, shown by the plan, and nothing moves', async () => {
  const other = join(space, 'PG_14_202107181');
  mkdirSync(other);
  writeFileSync(join(other, 'precious'), 'of a server that runs');
  const plan = planInPlace();
  await expect(restores.restore(restores.order(plan, { instance }))).rejects.toMatchObject({
    code: 'tablespace_shared',
    params: { path: space, found: 'PG_14_202107181' },
  });
  expect([readdirSync(other), copies()]).toEqual([['precious'], []]);
  const look = (): unknown =>
    lookAtPlace({
      ...{ kind: 'place', isCopy: false, directory: postgres.dataDirectory, systemId: plan.systemId, bytes: 1 },
      tablespaces: Object.values(plan.tablespaceMap),
    }).map(({ verdict }) => verdict);
  expect(look()).toEqual(['ok', 'ok', 'fail', 'ok']);
  rmSync(other, { recursive: true });
  expect(look()).toEqual(['ok', 'ok', 'ok', 'ok']);
});

test('a restore in place that fails gives the old directory its place back', async () => {
  const plan = { ...planInPlace(), mustReach: parseLsn('FFFF/0') };
  await expect(restores.restore(restores.order(plan, { instance }))).rejects.toMatchObject({ code: 'recovery_short' });
  expect(copies()).toEqual([]);
  await postgres.start();
  expect(await postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 2000 }]);
  await postgres.sql('insert into ledger values (2001)');
  await postgres.stop();
});

test('K-098 two restores in place in a row open on distinct timelines, are archived again and keep the old directories', async () => {
  const first = await restores.restore(restores.order(planInPlace(), { instance }));
  const saved = restores.batches.flatMap((batch) => batch.segments);
  expect(saved.length).toBeGreaterThan(0);
  expect(first).toMatchObject({ isOpen: true, timeline: 2, directory: postgres.dataDirectory });
  expect(await postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 1000 }]);
  expect(first.warnings.map((warning) => warning.code)).toEqual(['full_backup_due', 'started_by_agent']);
  await restores.stop(postgres.dataDirectory);
  const second = await restores.restore(restores.order(planInPlace(), { instance }));
  expect(second).toMatchObject({ isOpen: true, timeline: 3 });
  expect(second.warnings.map((warning) => warning.code)).toEqual(['full_backup_due', 'started_by_agent']);
  const archive = readdirSync(postgres.archiveDirectory);
  expect(archive).toEqual(expect.arrayContaining(['00000002.history', '00000003.history']));
  expect(archive.some((name) => /^00000002[0-9A-F]{16}$/.test(name))).toBe(true);
  expect(archive.some((name) => /^00000003[0-9A-F]{16}$/.test(name))).toBe(true);
  expect(copies()).toHaveLength(2);
  expect(existsSync(join(second.keptOldAt ?? '', 'PG_VERSION'))).toBe(true);
  const [settings] = await postgres.sql(
    "select current_setting('archive_mode') as mode, current_setting('recovery_target_timeline') as timeline, current_setting('hot_standby') as hot",
  );
  expect(settings).toEqual({ mode: 'on', timeline: 'latest', hot: 'on' });
});

test('log saved from the old directory reaches what was never archived, and each branch its own rows', async () => {
  await postgres.sql('insert into ledger values (3000)');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  const rowsAt = async (name: string, timeline: number): Promise<unknown> => {
    const directory = restores.directory(name);
    const plan = restores.plan({
      target: { at: 'latest' },
      timeline,
      place: { kind: 'copy', directory },
      tablespaceMap: copySpace(`${name}-space`),
    });
    expect(plan.timeline).toBe(timeline);
    const report = await restores.restore(restores.order(plan));
    expect(report.timeline).toBe(4);
    const [row] = await restores.sql(report, 'select count(*)::int as n, max(id) as max from ledger');
    await restores.stop(directory);
    return row;
  };
  expect(await rowsAt('abandoned', 1)).toEqual({ n: 2001, max: 2001 });
  expect(await rowsAt('current', 3)).toEqual({ n: 1001, max: 3000 });
});

test('a lost answer of a finished restore in place is repeated, not the restore', async () => {
  await restores.stop(postgres.dataDirectory);
  const order = restores.order(planInPlace(), { instance });
  const report = await restores.restore(order);
  await postgres.sql('insert into ledger values (5000)');
  expect(await restores.restore(order)).toEqual(report);
  expect(await postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 1001 }]);
});

test('K-098 a second restore to a point slightly before the first, in one segment, gives a branch that is backed up again', async () => {
  const pointNamed = (name: string): Promise<unknown> => postgres.sql(`select pg_create_restore_point('${name}')`);
  await pointNamed('earlier');
  await postgres.sql('insert into ledger values (6000)');
  await pointNamed('later');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  const restoreTo = async (name: string): Promise<RestorePlan> => {
    await restores.stop(postgres.dataDirectory);
    const place = {
      kind: 'in-place',
      resourceId: newTestId('res'),
      directory: postgres.dataDirectory,
      consent: 'test resource',
    } as const;
    const plan = restores.plan({ target: { at: 'name', name }, place });
    await restores.restore(restores.order(plan, { instance }));
    return plan;
  };
  const first = await restoreTo('later');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  const second = await restoreTo('earlier');
  expect(second.timeline).toBe(first.timeline);
  await postgres.sql('insert into ledger values (6001)');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  expect(await postgres.sql('select max(id) as max from ledger')).toEqual([{ max: 6001 }]);
  const latest = restores.plan({ target: { at: 'latest' }, tablespaceMap: copySpace('latest-space') });
  expect(latest.timeline).toBe(first.timeline + 2);
});

test('a server opened in place logs beside its data directory, into files that only its owner can read', () => {
  const logs = readdirSync(postgres.folder).filter((name) => /\.run_[0-9a-f]{32}\.log$/.test(name));
  expect(logs.length).toBeGreaterThan(0);
  const { uid } = statSync(postgres.dataDirectory);
  for (const name of logs) {
    const path = join(postgres.folder, name);
    expect(statSync(path)).toMatchObject({ uid, nlink: 1 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('database system is ready to accept connections');
  }
});

test('nothing of the agent stays in a data directory restored in place', () => {
  const owned = readdirSync(postgres.dataDirectory).filter(
    (name) => name.includes('holdfast') && name !== '.holdfast-socket',
  );
  expect(owned).toEqual([]);
});
