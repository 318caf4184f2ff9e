import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { RestoreWays } from '#core/restore/plan/ways.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { incrementalOrder } from '#tests/support/chain.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { Verifier } from '#tests/support/verifier.ts';
import { openVerifier } from '#tests/support/verifier.ts';

const files: RestoreWays = { endsAs: 'files' };

/** The manifest of restored directories, judged by the server's own program. 15 writes version 1 of the format, 18 version 2. */
export function proveManifest(major: 15 | 18): void {
  let postgres: Postgres;
  let bench: BackupBench;
  let restores: RestoreBench;
  let instance: InstanceAccess;
  let verify: Verifier;

  beforeAll(async () => {
    postgres = await openPostgres({ major, archive: true });
    bench = await openBackupBench();
    verify = await openVerifier(postgres, bench.folder);
    restores = openRestoreBench(bench, postgres);
    instance = await instanceAccess(postgres);
    const space = restores.directory('space');
    restores.makeTablespaceDirectory(space);
    await postgres.sql(`create tablespace space location '${space}'`);
    await postgres.sql('create table ledger tablespace space as select g as id from generate_series(1, 20000) g');
    await postgres.sql(`create table wide as select g as id, repeat('x', 900) as text from generate_series(1, 3000) g`);
    const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
    const full = await bench.takeFullBackup(order, bench.step(order));
    await postgres.sql('update wide set id = -id where id % 100 = 0');
    const next = incrementalOrder(
      bench,
      instance,
      { summary: full, wanted: 'differential', source: 'page-lsn' },
      { archiveDirectory: postgres.archiveDirectory },
    );
    restores.sets.push(full, await bench.takeFullBackup(next, bench.step(next)));
    await postgres.sql('insert into ledger values (-1)');
    await restores.backUpLog(instance, postgres.archiveDirectory);
  });
  afterAll(async () => {
    await restores.close();
    bench.close();
    await postgres.close();
  });

  const restoreTo = (name: string, ways: RestoreWays, set = restores.sets[1]): Promise<RestoreReport> => {
    const oid = String(set?.tablespaces[0]?.oid ?? '');
    const plan = restores.plan({
      target: { at: 'latest' },
      place: { kind: 'copy', directory: restores.directory(name) },
      tablespaceMap: { [oid]: restores.directory(`${name}-space`) },
      setId: set?.setId,
      ways,
    });
    return restores.restore(restores.order(plan));
  };

  test.each([
    { is: 'full', at: 0 },
    { is: 'chain', at: 1 },
  ])(
    'K-089 pg_verifybackup passes on a restored $is that was not started, and finds one flipped byte',
    async ({ is, at }) => {
      const report = await restoreTo(is, files, restores.sets[at]);
      expect(report).toMatchObject({ isOpen: false, directory: restores.directory(is) });
      expect(existsSync(join(report.directory, 'postmaster.pid'))).toBe(false);
      expect(verify(report.directory)).toEqual({
        status: 0,
        words: expect.stringContaining('successfully verified') as string,
      });
      const path = join(report.directory, 'base', '5', 'pg_filenode.map');
      const bytes = readFileSync(path);
      bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
      writeFileSync(path, bytes);
      expect(verify(report.directory)).toMatchObject({
        status: 1,
        words: expect.stringContaining('checksum mismatch') as string,
      });
    },
  );

  test('the proof of files is made before a server starts, or refused before anything is touched', async () => {
    if (existsSync(join(postgres.programs, 'pg_verifybackup'))) {
      const report = await restoreTo('proven', { provesFiles: true });
      expect(report.secondsByPhase['prove']).toBeGreaterThan(0);
      expect(await restores.sql(report, 'select min(id) as min from ledger')).toEqual([{ min: -1 }]);
    } else {
      await expect(restoreTo('proven', { provesFiles: true })).rejects.toMatchObject({ code: 'verifier_missing' });
      expect(existsSync(restores.directory('proven'))).toBe(false);
    }
  });
}
