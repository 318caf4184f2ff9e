import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { ResourceId } from '#core/id.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let passFile: string;
let fork: Lsn;
let owner: ResourceId;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  await postgres.sql('create table ledger as select g as id from generate_series(1, 1000) g');
  const instance = await instanceAccess(postgres);
  owner = instance.resourceId;
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await postgres.sql('insert into ledger values (1001)');
  const [now] = await postgres.sql('select pg_current_wal_insert_lsn()::text as lsn');
  fork = parseLsn(String(now?.['lsn']));
  await postgres.sql('insert into ledger values (1002)');
  await restores.backUpLog(instance, postgres.archiveDirectory);
  passFile = restores.directory('passfile');
  writeFileSync(passFile, `*:*:*:${postgres.user}:${postgres.password}\n`, { mode: 0o600 });
  giveToUnprivileged(passFile);
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

const planStandby = (name: string, changes: Partial<Parameters<RestoreBench['plan']>[0]> = {}): RestorePlan =>
  restores.plan({
    target: { at: 'latest' },
    place: { kind: 'copy', directory: restores.directory(name), port: 6003 },
    ways: {
      endsAs: 'standby',
      primary: { host: postgres.socketDirectory, port: postgres.port, user: postgres.user, passFile },
    },
    ...changes,
  });

test('a standby without a primary, to a point between, or closed, is refused at the plan', () => {
  const conflict = expect.objectContaining({ code: 'restore_ways_conflict' }) as Error;
  expect(() => planStandby('none', { ways: { endsAs: 'standby' } })).toThrow(conflict);
  expect(() => planStandby('none', { target: { at: 'name', name: 'here' } })).toThrow(conflict);
  expect(() => planStandby('none', { isOpenedAfter: false })).toThrow(conflict);
});

test('a password file that others may read is refused before anything is touched', async () => {
  chmodSync(passFile, 0o644);
  const restored = restores.restore(restores.order(planStandby('open')));
  await expect(restored).rejects.toMatchObject({ code: 'passfile_unusable' });
  expect(existsSync(restores.directory('open'))).toBe(false);
  chmodSync(passFile, 0o600);
});

test('a copy restored as a standby follows its primary, and no password is in its settings', async () => {
  const report = await restores.restore(restores.order(planStandby('standby')));
  expect(report).toMatchObject({ isOpen: true, port: 6003, warnings: [] });
  expect(report.reachedLsn).toBeDefined();
  expect(await restores.sql(report, 'select pg_is_in_recovery() as standby')).toEqual([{ standby: true }]);
  await postgres.sql('insert into ledger values (2000)');
  const found = await pollUntil(async () => (await restores.sql(report, 'select id from ledger where id = 2000'))[0], {
    what: 'the row of the primary on the standby',
    timeoutMs: 30_000,
  });
  expect(found).toEqual({ id: 2000 });
  const settings = readFileSync(join(report.directory, 'postgresql.auto.conf'), 'utf8');
  expect(settings).toContain(`passfile=''${passFile}''`);
  expect(settings).not.toContain(postgres.password);
});

test('a standby streams from its primary although a copy that became an instance of its own has the next timeline', async () => {
  const history = `1\t${fork}\tno recovery target specified\n`;
  const ofCopy = restores.batches.map((batch) => ({
    ...{ ...batch, batchId: newTestId('batch'), resourceId: newTestId('res'), segments: [], from: fork, to: fork },
    ...{ timeline: 2, branchId: branchIdOf(history, 2), history },
  }));
  const log = { sets: restores.sets, batches: [...restores.batches, ...ofCopy], owner };
  const place = { kind: 'copy', directory: restores.directory('beside-a-sibling') } as const;
  // Whoever is opened must know that the number is taken.
  expect(restores.plan({ target: { at: 'latest' }, log, place }).histories).toEqual({ '00000002.history': history });
  const report = await restores.restore(restores.order(planStandby('beside-a-sibling', { log })));
  expect(report.warnings).toEqual([]);
});

test('a standby whose primary is away is open for reading and says that it does not stream', async () => {
  const ways: RestorePlan['ways'] = {
    endsAs: 'standby',
    primary: { host: restores.directory('nowhere'), port: 5432, user: 'postgres' },
  };
  const report = await restores.restore(restores.order(planStandby('alone', { ways })));
  expect(report.warnings.map(({ code }) => code)).toEqual(['standby_not_streaming']);
  expect(report.reachedLsn).toBeUndefined();
  expect(await restores.sql(report, 'select max(id) as max from ledger')).toEqual([{ max: 1002 }]);
});
