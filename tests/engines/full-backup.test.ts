import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { decodeControlFile } from '#core/engine/control-file.ts';
import { openSet } from '#agent/sets/open-set.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { prepareLoad, startLoad } from '#tests/support/load.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';

const spaceName = 'täble späce';

async function prepare(postgres: Postgres): Promise<void> {
  const space = join(postgres.folder, spaceName);
  mkdirSync(space, { mode: 0o700 });
  giveToUnprivileged(space);
  await postgres.sql(`create tablespace extra location '${space}'`);
  await prepareLoad(postgres);
  await postgres.sql('create table still (n int) tablespace extra');
  await postgres.sql('insert into still select generate_series(1, 5000)');
  await postgres.sql('create unlogged table scratch (n int primary key)');
  await postgres.sql('insert into scratch select generate_series(1, 5000)');
  await postgres.sql('create unlogged table scratch_in_space (n int) tablespace extra');
  await postgres.sql('checkpoint');
}

/** Path of a relation in the data directory, as the server says. */
async function pathOf(postgres: Postgres, relation: string): Promise<string> {
  const [row] = await postgres.sql(`select pg_relation_filepath('${relation}') as path`);
  return String(row?.['path']);
}

const majors: readonly Major[] = process.env['HOLDFAST_MATRIX'] === '1' ? [12, 13, 14, 15, 16, 17, 18] : [15, 18];

describe.each(majors)('full backup of PostgreSQL %i under load', (major) => {
  let postgres: Postgres;
  let bench: BackupBench;
  let summary: SetSummary;
  let set: OpenSet;
  let paths: ReadonlySet<string>;
  let rounds: number;

  beforeAll(async () => {
    postgres = await openPostgres({ major, archive: true });
    bench = await openBackupBench();
    await prepare(postgres);
    const session = await postgres.connect();
    await session.query('create temporary table gone as select generate_series(1, 1000) n');
    const load = await startLoad(postgres);
    const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
    try {
      summary = await bench.takeFullBackup(order, bench.step(order));
    } finally {
      rounds = await load.stop();
      await session.end();
    }
    set = await openSet(await bench.openPool(), order.setId);
    paths = new Set(set.meta.members.map(({ path }) => path));
  });
  afterAll(async () => {
    bench.close();
    await postgres.close();
  });

  test('K-047 D-020 recovers to a consistent state from the set alone', async () => {
    const copy = await materialise(bench, summary.setId, postgres);
    try {
      expect(rounds).toBeGreaterThan(0);
      expect(await copy.sql('select sum(balance)::text as sum, count(*)::int as n from account')).toEqual([
        { sum: '20000000', n: 20000 },
      ]);
      expect(await copy.sql('select count(*)::int as n, sum(n)::int as sum from still')).toEqual([
        { n: 5000, sum: 12502500 },
      ]);
      expect(await copy.sql('select count(*)::int as n from scratch')).toEqual([{ n: 0 }]);
      expect(
        await copy.sql(
          'select count(*)::int as gaps from growing a where n > 1 and not exists (select 1 from growing b where b.n = a.n - 1)',
        ),
      ).toEqual([{ gaps: 0 }]);
    } finally {
      await copy.close();
    }
  });

  test('D-013 D-015 D-017 D-020 carries its own log from begin to end and says so', () => {
    const log = [...paths].filter((path) => /^pg_wal\/[0-9A-F]{24}$/.test(path)).sort();
    expect(log.at(0)).toBe(`pg_wal/${summary.beginSegment}`);
    expect(log.at(-1)).toBe(`pg_wal/${summary.endSegment}`);
    expect(summary).toMatchObject({
      isConsistent: true,
      backupEndLsn: summary.endLsn,
      type: 'full',
      timeline: 1,
      hasChecksums: true,
      warnings: [],
    });
    expect(Math.floor(summary.serverVersion / 10_000)).toBe(major);
  });

  test('copies unlogged relations as their init fork only and temporary ones not at all', async () => {
    for (const relation of ['scratch', 'scratch_in_space', 'scratch_pkey']) {
      const path = (await pathOf(postgres, relation)).replace(/^pg_tblspc/, 'pg_tblspc');
      expect(paths).toContain(`${path}_init`);
      expect(paths).not.toContain(path);
    }
    expect([...paths].filter((path) => /\/t\d+_\d+/.test(path))).toEqual([]);
  });

  test('keeps directories the server needs and leaves out what belongs to the running server', () => {
    const needed = [
      'pg_wal',
      'pg_wal/archive_status',
      'pg_replslot',
      'pg_dynshmem',
      'pg_notify',
      'pg_serial',
      'pg_snapshots',
      'pg_stat_tmp',
      'pg_subtrans',
      'pg_tblspc',
    ];
    for (const path of needed) expect(paths).toContain(path);
    for (const path of ['postmaster.pid', 'postmaster.opts', 'backup_manifest']) expect(paths).not.toContain(path);
    expect([...paths].filter((path) => path.includes('pg_internal.init') || path.includes('pgsql_tmp'))).toEqual([]);
  });

  test('keeps label and tablespace map byte for byte and the control file as the last member', async () => {
    const label = Buffer.from(await set.readMember('backup_label')).toString('utf8');
    expect(label).toContain(`START WAL LOCATION: ${summary.beginLsn} (file ${summary.beginSegment})\n`);
    expect(label).toContain(`LABEL: holdfast ${summary.setId}\nSTART TIMELINE: 1\n`);
    const [space] = summary.tablespaces;
    const map = Buffer.from(await set.readMember('tablespace_map')).toString('utf8');
    expect(map.trimEnd()).toBe(`${String(space?.oid)} ${join(postgres.folder, spaceName)}`);
    expect(set.meta.members.at(-1)?.path).toBe('global/pg_control');
    const control = decodeControlFile(await set.readMember('global/pg_control'), 'global/pg_control');
    expect(control.systemId).toBe(summary.systemId);
  });

  test('leaves no session in backup mode behind', async () => {
    expect(await postgres.sql(`select pid from pg_stat_activity where application_name = 'holdfast'`)).toEqual([]);
  });
});
