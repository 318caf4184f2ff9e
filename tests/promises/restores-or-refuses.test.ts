import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { decodeControlFile } from '#core/engine/control-file.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { killRestore } from '#tests/support/kill-restore.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
const checksum = 'select count(*)::int as n, md5(string_agg(word, $$ $$ order by id)) as hash from words';

beforeAll(async () => {
  postgres = await openPostgres({
    major: 15,
    archive: true,
    config: ["shared_preload_libraries = ''", "synchronous_standby_names = ''", "recovery_target_name = 'stale'"],
  });
  bench = await openBackupBench({ passphrase: 'correct horse battery staple' });
  restores = openRestoreBench(bench, postgres);
  await postgres.sql(
    'create table words as select g as id, md5(g::text) || md5((g * 7)::text) as word from generate_series(1, 200000) g',
  );
  await postgres.sql('create table holes (id int)');
  await postgres.sql("alter system set synchronous_standby_names = 'nobody_there'");
  const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

const planTo = (name: string, changes: Partial<RestorePlan> = {}): RestorePlan => ({
  ...restores.plan({ target: { at: 'immediate' }, place: { kind: 'copy', directory: restores.directory(name) } }),
  ...changes,
});
const codeOf = (code: string): unknown => expect.objectContaining({ code });

test('a directory that is not empty is refused and stays as it is', async () => {
  const directory = restores.directory('full');
  mkdirSync(directory);
  writeFileSync(join(directory, 'precious'), 'mine');
  await expect(restores.restore(restores.order(planTo('full')))).rejects.toEqual(codeOf('target_not_empty'));
  expect(readdirSync(directory)).toEqual(['precious']);
});

test('K-119 the data directory of a running server is refused as target of a copy', async () => {
  const plan = { ...planTo('x'), place: { kind: 'copy', directory: postgres.dataDirectory } as const };
  await expect(restores.restore(restores.order(plan))).rejects.toEqual(codeOf('target_running'));
});

test('a target begun by another run is refused', async () => {
  const directory = restores.directory('begun');
  mkdirSync(directory);
  writeFileSync(join(directory, '.holdfast-restore'), 'run_of_somebody_else\n');
  await expect(restores.restore(restores.order(planTo('begun')))).rejects.toEqual(codeOf('target_of_other_run'));
  expect(readdirSync(directory)).toEqual(['.holdfast-restore']);
});

test('a set of another cluster than planned is refused before anything is written', async () => {
  await expect(restores.restore(restores.order(planTo('alien', { systemId: '7' })))).rejects.toEqual(
    codeOf('system_id_of_restore'),
  );
  expect(existsSync(restores.directory('alien'))).toBe(false);
});

test('a flipped byte in a piece is found, and nothing that could start is left', async () => {
  const order = restores.order(planTo('flipped'));
  const piece = pieces().slice(0, 1)[0] ?? '';
  const good = readFileSync(piece);
  const bad = Buffer.from(good);
  bad[good.length >> 1] = (bad[good.length >> 1] ?? 0) ^ 1;
  writeFileSync(piece, bad);
  await expect(restores.restore(order)).rejects.toEqual(codeOf('object_damaged'));
  writeFileSync(piece, good.subarray(0, good.length - 100));
  await expect(restores.restore(order)).rejects.toEqual(codeOf('object_short'));
  writeFileSync(piece, good);
  expect(readdirSync(restores.directory('flipped'))).toEqual([]);
});

function pieces(): string[] {
  const sets = join(bench.folder, 'pool', 'sets');
  return readdirSync(sets, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.bak'))
    .map((name) => join(sets, name));
}

test('a restore without a backup label never starts a server', async () => {
  const order = restores.order(planTo('unlabelled'));
  const controller = new AbortController();
  const removeLabel = (phase: string): void => {
    if (phase === 'recover') rmSync(join(restores.directory('unlabelled'), 'backup_label'));
  };
  await expect(
    restores.restore(order, {
      signal: controller.signal,
      report: ({ phase }) => {
        removeLabel(phase);
      },
    }),
  ).rejects.toEqual(codeOf('label_missing'));
  expect(existsSync(join(restores.directory('unlabelled'), 'holdfast-recovery.log'))).toBe(false);
});

test('K-089 log that would not fit on the disk is refused before anything is touched', async () => {
  const plan = planTo('huge');
  const segment = { name: '000000010000000000000001', branchId: '', object: '', rawSha256: '', storedSha256: '' };
  const huge = { ...plan, segmentBytes: 2 ** 50, segments: [segment as RestorePlan['segments'][number]] };
  await expect(restores.restore(restores.order(huge))).rejects.toEqual(codeOf('space_too_little'));
  expect(existsSync(restores.directory('huge'))).toBe(false);
});

test('a cancelled restore leaves an empty directory', async () => {
  const controller = new AbortController();
  const cancel = {
    signal: controller.signal,
    limits: () => ({ diskBytesPerSecond: 4_000_000 }),
    report: ({ bytesWritten }: { bytesWritten: number }) => {
      if (bytesWritten > 0) controller.abort();
    },
  };
  await expect(restores.restore(restores.order(planTo('cancelled')), cancel)).rejects.toEqual(codeOf('cancelled'));
  expect(readdirSync(restores.directory('cancelled'))).toEqual([]);
});

test('a restore killed in the middle cannot start, refuses others, and is finished by the same run', async () => {
  const order = restores.order(planTo('killed'), { limits: { diskBytesPerSecond: 8_000_000 } });
  await killRestore(order, { bench, postgres, restores, bytes: 8_000_000 });
  const directory = restores.directory('killed');
  expect(existsSync(join(directory, 'global', 'pg_control'))).toBe(false);
  await expect(restores.restore(restores.order(planTo('killed')))).rejects.toEqual(codeOf('target_of_other_run'));
  const report = await restores.restore(order);
  expect(await restores.sql(report, checksum)).toEqual(await postgres.sql(checksum));
  expect(await restores.restore(order)).toEqual(report);
});

test('K-110 a copy keeps away from production and uses the chosen configuration file', async () => {
  const config = restores.directory('chosen.conf');
  writeFileSync(
    config,
    `listen_addresses = '*'\nwork_mem = '7MB'\ndata_directory = '${postgres.dataDirectory}'\nport = 5999\nrecovery_target_xid = '3'\n`,
  );
  const plan = restores.plan({
    target: { at: 'immediate' },
    place: { kind: 'copy', directory: restores.directory('apart'), port: 6001 },
    configFile: config,
  });
  const report = await restores.restore(restores.order(plan));
  const names = [
    'work_mem',
    'listen_addresses',
    'archive_mode',
    'max_logical_replication_workers',
    'synchronous_standby_names',
    'primary_conninfo',
    'data_directory',
    'port',
    'recovery_target_xid',
  ];
  const rows = await restores.sql(
    report,
    `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join(', ')}) order by name`,
  );
  expect(Object.fromEntries(rows.map((row) => [row['name'], row['setting']]))).toEqual({
    work_mem: '7168',
    listen_addresses: '',
    archive_mode: 'off',
    max_logical_replication_workers: '0',
    synchronous_standby_names: '',
    primary_conninfo: '',
    data_directory: restores.directory('apart'),
    port: '6001',
    recovery_target_xid: '',
  });
  const control = join(restores.directory('apart'), 'global/pg_control');
  expect(decodeControlFile(readFileSync(control), control).systemId).toBe(plan.systemId);
});
