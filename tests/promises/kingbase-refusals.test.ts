import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '#core/agent/inspection.ts';
import type { InstanceAccess } from '#core/agent/order.ts';
import { checkLogin } from '#agent/database/login.ts';
import { preflight } from '#agent/database/preflight.ts';
import { openBackupBench } from '#tests/support/backup.ts';
import type { Kingbase } from '#tests/support/kingbase.ts';
import { canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

describe.skipIf(!canShimKingbase)('KingbaseES (shimmed) that is not, or not readily, backed up', () => {
  test.each([
    ['V008R006B01171628', 'engine_build_blocked'],
    ['V007R001C002B0120', 'engine_storage_foreign'],
    ['V008R002C001B0001', 'engine_release_unproven'],
    ['V010R001C001B0001', 'engine_unknown'],
  ])('K-013 K-117 build %s is refused at login, in a full backup and in a log backup', async (build, code) => {
    const kingbase = await openKingbase({ build, archive: true, mode: 'pg' });
    const bench = await openBackupBench();
    try {
      const instance = await kingbase.instance();
      await expect(checkLogin(instance)).rejects.toMatchObject({ code });
      const order = bench.order(instance, { archiveDirectory: kingbase.archiveDirectory });
      await expect(bench.takeFullBackup(order, bench.step(order))).rejects.toMatchObject({ code });
      const restores = openRestoreBench(bench, kingbase);
      await expect(restores.backUpLog(instance, kingbase.archiveDirectory)).rejects.toMatchObject({ code });
    } finally {
      bench.close();
      await kingbase.close();
    }
  });

  test('K-014 V8R7 is backed up by the layout it shows, and preflight says what that is worth', async () => {
    const kingbase = await openKingbase({ build: 'V008R007C003B0070', archive: true });
    try {
      const { findings } = await preflight({ instance: await kingbase.instance() });
      expect(findings.find(({ check }) => check === 'version')).toMatchObject({
        verdict: 'warn',
        detail: expect.stringContaining('V008R007C003B0070') as string,
      });
    } finally {
      await kingbase.close();
    }
  });

  describe('preflight', () => {
    let kingbase: Kingbase;
    let instance: InstanceAccess;
    beforeAll(async () => {
      kingbase = await openKingbase({ archive: true, config: ['allow_system_table_mods = on'] });
      instance = await kingbase.instance();
    });
    afterAll(() => kingbase.close());
    const found = async (check: string, archiveDirectory?: string): Promise<Finding | undefined> =>
      (await preflight({ instance, archiveDirectory })).findings.find((finding) => finding.check === check);
    const licenceOf = (days: number): Promise<unknown> =>
      kingbase.sql(
        `create or replace function public.get_license_validdays() returns int language sql as 'select ${String(days)}'`,
      );

    test('K-042 tells of a licence that ends, and of none that cannot be asked', async () => {
      expect(await found('licence')).toMatchObject({ verdict: 'ok', detail: 'valid without end, on this host' });
      await licenceOf(12);
      expect(await found('licence')).toMatchObject({
        verdict: 'warn',
        detail: 'the licence of the server ends in 12 days',
      });
      await licenceOf(0);
      expect(await found('licence')).toMatchObject({ verdict: 'warn', detail: 'the licence of the server has ended' });
      await kingbase.sql('drop function public.get_license_validdays()');
      expect(await found('licence')).toMatchObject({ verdict: 'ok' });
    });

    test('tells in which mode the instance was made', async () => {
      expect(await found('mode')).toMatchObject({ verdict: 'ok', detail: 'database_mode oracle, enable_ci off' });
    });

    test('warns of encrypted tablespaces: keys are not in the set', async () => {
      expect(await found('encryption')).toMatchObject({ verdict: 'ok' });
      await kingbase.sql(`update pg_tablespace set spcoptions = '{encryption=true}' where spcname = 'pg_default'`);
      expect(await found('encryption')).toMatchObject({
        verdict: 'warn',
        detail: expect.stringContaining('pg_default') as string,
      });
      await kingbase.sql(`update pg_tablespace set spcoptions = null where spcname = 'pg_default'`);
    });

    test('warns when sys_rman archives, and is content when log is copied beside it', async () => {
      const own = String((await kingbase.sql('show archive_command'))[0]?.['archive_command']);
      const archiveBy = async (command: string): Promise<void> => {
        await kingbase.sql(`alter system set archive_command = '${command.replaceAll("'", "''")}'`);
        await kingbase.sql('select pg_reload_conf()');
        while ((await kingbase.sql('show archive_command'))[0]?.['archive_command'] !== command);
      };
      const push = 'sys_rman --config=/rman/sys_rman.conf --stanza=main archive-push %p';
      await archiveBy(push);
      expect(await found('beside-sys_rman')).toMatchObject({ verdict: 'warn' });
      await archiveBy(`${push} && ${own}`);
      expect(await found('beside-sys_rman')).toMatchObject({ verdict: 'ok' });
      await archiveBy(own);
    });

    test('K-080 K-082 refuses the repository of sys_rman as archive directory: nothing there is ours to delete', async () => {
      const repository = join(kingbase.folder, 'rman', 'archive', 'main');
      const directory = join(repository, '12-1', '0000000100000000');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(repository, 'archive.info'), '');
      expect(await found('archive-directory', directory)).toMatchObject({
        verdict: 'fail',
        detail: expect.stringContaining('repository of another backup tool') as string,
      });
      const bench = await openBackupBench();
      await expect(openRestoreBench(bench, kingbase).backUpLog(instance, directory)).rejects.toMatchObject({
        code: 'archive_of_other_tool',
      });
      bench.close();
    });

    test('names the functions that a server lacks', async () => {
      await kingbase.sql('alter function sys_catalog.sys_switch_wal() rename to sys_gone');
      expect(await found('system-functions')).toMatchObject({
        verdict: 'fail',
        detail: expect.stringContaining('pg_switch_wal()') as string,
      });
      await kingbase.sql('alter function sys_catalog.sys_gone() rename to sys_switch_wal');
      expect(await found('system-functions')).toMatchObject({ verdict: 'ok' });
    });
  });
});
