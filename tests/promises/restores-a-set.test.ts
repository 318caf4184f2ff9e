import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

const majors: readonly Major[] = [15, 18];

describe.each(majors)('a set of PostgreSQL %i', (major) => {
  let postgres: Postgres;
  let bench: BackupBench;
  let restores: RestoreBench;
  let tablespace: string;
  beforeAll(async () => {
    postgres = await openPostgres({ major, archive: true });
    bench = await openBackupBench();
    restores = openRestoreBench(bench, postgres);
    tablespace = join(postgres.folder, 'space one');
    restores.makeTablespaceDirectory(tablespace);
    await postgres.sql(`create tablespace far location '${tablespace}'`);
    await postgres.sql(
      'create table near_rows as select g as id, md5(g::text) as word from generate_series(1, 20000) g',
    );
    await postgres.sql('create table far_rows tablespace far as select g as id from generate_series(1, 500) g');
    const order = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
    restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  });
  afterAll(async () => {
    await restores.close();
    bench.close();
    await postgres.close();
  });

  test('K-089 K-097 comes back in a new directory at its backup state, every table equal', async () => {
    const set = restores.sets[0];
    const oid = String(set?.tablespaces[0]?.oid);
    const copy = restores.directory('copy');
    const plan = restores.plan({
      target: { at: 'immediate' },
      tablespaceMap: { [oid]: restores.directory('far copy') },
    });
    const report = await restores.restore(restores.order(plan));
    expect(report).toMatchObject({ directory: copy, isOpen: true });
    expect(
      await restores.sql(
        report,
        'select count(*)::int as n, md5(string_agg(word, $$ $$ order by id)) as hash from near_rows',
      ),
    ).toEqual(
      await postgres.sql('select count(*)::int as n, md5(string_agg(word, $$ $$ order by id)) as hash from near_rows'),
    );
    expect(await restores.sql(report, 'select count(*)::int as n from far_rows')).toEqual([{ n: 500 }]);
    expect(readlinkSync(join(copy, 'pg_tblspc', oid))).toBe(restores.directory('far copy'));
    expect(existsSync(join(copy, '.holdfast-restore'))).toBe(false);
    expect(lstatSync(copy).mode & 0o777).toBe(0o700);
  });
});
