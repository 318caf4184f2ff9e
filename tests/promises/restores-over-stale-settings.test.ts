import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { openFolder } from '#tests/support/folder.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';

interface Stage {
  readonly postgres: Postgres;
  readonly bench: BackupBench;
  readonly restores: RestoreBench;
  readonly instance: InstanceAccess;
}

const stageOn = async (major: Major, config: readonly string[]): Promise<Stage> => {
  const postgres = await openPostgres({ major, archive: true, config });
  const bench = await openBackupBench();
  const restores = openRestoreBench(bench, postgres);
  onTestFinished(async () => {
    await restores.close();
    bench.close();
    await postgres.close();
  });
  await postgres.sql('create table ledger as select g as id from generate_series(1, 1000) g');
  return { postgres, bench, restores, instance: await instanceAccess(postgres) };
};

const backUp = async ({ postgres, bench, restores, instance }: Stage): Promise<void> => {
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await postgres.sql('insert into ledger select g from generate_series(1001, 2000) g');
};

/** A settings file beside the data directory, as a site keeps it for all its instances. */
const outsideFile = (text: string): string => {
  const folder = openFolder('hf-site-');
  onTestFinished(() => {
    folder.remove();
  });
  const path = join(folder.path, 'site.conf');
  writeFileSync(path, text, { mode: 0o644 });
  giveToUnprivileged(path);
  return path;
};

const planInPlace = ({ postgres, restores }: Stage, isOpenedAfter: boolean): RestorePlan =>
  restores.plan({
    ...{ target: { at: 'immediate' }, isOpenedAfter },
    place: {
      ...{ kind: 'in-place', resourceId: newTestId('res'), consent: 'test resource' },
      directory: postgres.dataDirectory,
    },
  });

describe.each([12, 15, 18] as const)('PostgreSQL %i', (major) => {
  test('K-095 stops of a former recovery in a file outside are overruled in place, named by line and left as they are', async () => {
    const site = outsideFile("# site\nrecovery_target_xid = '3'\nrecovery_min_apply_delay = '1h'\n");
    const stage = await stageOn(major, [`include_if_exists = '${site}'`]);
    await backUp(stage);
    await stage.postgres.stop();
    const order = stage.restores.order(planInPlace(stage, true), { instance: stage.instance });
    const report = await stage.restores.restore(order);
    expect(await stage.postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 1000 }]);
    expect(report.warnings).toContainEqual({
      code: 'recovery_settings_overruled',
      detail: expect.stringContaining(`${site} line 2 sets recovery_target_xid`) as string,
    });
    expect(readFileSync(site, 'utf8')).toContain("recovery_target_xid = '3'");
    await stage.restores.stop(stage.postgres.dataDirectory);
  });
});

test('K-107 a database left closed in place opens at its own target although a file outside names another', async () => {
  const site = outsideFile("recovery_target_lsn = '0/1'\n");
  const stage = await stageOn(15, [`include = '${site}'`]);
  await backUp(stage);
  await stage.postgres.stop();
  const order = stage.restores.order(planInPlace(stage, false), { instance: stage.instance });
  const report = await stage.restores.restore(order);
  expect(report.isOpen).toBe(false);
  const reset = report.warnings.find(({ code }) => code === 'recovery_settings_kept');
  expect(reset?.detail).toContain('ALTER SYSTEM RESET recovery_target_lsn;');
  await stage.postgres.start();
  expect(await stage.postgres.sql('select count(*)::int as n from ledger')).toEqual([{ n: 1000 }]);
});

test('K-095 a copy sets stale stops in nested files aside, and names libraries that nobody knows', async () => {
  const stage = await stageOn(15, []);
  const folder = join(stage.postgres.dataDirectory, 'site.d');
  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    giveToUnprivileged(join(folder, name));
  };
  mkdirSync(folder, { mode: 0o700 });
  giveToUnprivileged(folder);
  put('a.conf', "include = 'nested'\nwork_mem = '9MB'\n");
  put('nested', "recovery_target_xid = '3'\nrestore_command = 'false'\n");
  put('b.conf', "shared_preload_libraries = 'pg_stat_statements, tablefunc, pg_cron'\n");
  appendFileSync(join(stage.postgres.dataDirectory, 'postgresql.conf'), "include_dir = 'site.d'\n");
  await backUp(stage);
  const plan = stage.restores.plan({ target: { at: 'immediate' } });
  const report = await stage.restores.restore(stage.restores.order(plan));
  expect(report.warnings).toEqual([
    { code: 'libraries_unknown', detail: expect.stringContaining('loads tablefunc:') as string },
  ]);
  const [row] = await stage.restores.sql(
    report,
    "select current_setting('recovery_target_xid') as xid, current_setting('work_mem') as work, current_setting('shared_preload_libraries') as libraries",
  );
  expect(row).toEqual({ xid: '', work: '9MB', libraries: 'pg_stat_statements, tablefunc' });
  const nested = readFileSync(join(report.directory, 'site.d/nested'), 'utf8').split('\n');
  expect(nested.every((line) => line === '' || line.startsWith('# Set aside by Holdfast: '))).toBe(true);
});
