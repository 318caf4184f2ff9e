import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { discover } from '#agent/database/discover.ts';
import { checkLogin } from '#agent/database/login.ts';
import { preflight } from '#agent/database/preflight.ts';
import { openSession } from '#agent/database/session.ts';
import type { Kingbase, KingbaseOptions } from '#tests/support/kingbase.ts';
import { builds, canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';

const layouts: readonly KingbaseOptions[] = [
  { engine: 'kingbase-v8r6', mode: 'oracle', isChinese: true },
  { engine: 'kingbase-v8r6', mode: 'pg' },
  { engine: 'kingbase-v9', mode: 'oracle' },
];

describe.skipIf(!canShimKingbase).each(layouts)(
  'an instance laid out as $engine in $mode mode (shimmed)',
  (options) => {
    let kingbase: Kingbase;
    let instance: InstanceAccess;
    beforeAll(async () => {
      kingbase = await openKingbase({ ...options, archive: true });
      instance = await kingbase.instance();
    });
    afterAll(() => kingbase.close());

    test('K-014 is found by its process and its files, under the name of its release', async () => {
      const found = await discover({ roots: [], processes: '/proc' });
      expect(found.find(({ dataDirectory }) => dataDirectory === kingbase.dataDirectory)).toEqual({
        ...{ engine: options.engine, dataDirectory: kingbase.dataDirectory, port: 54321, serverMajor: 12 },
        ...{ socket: kingbase.socketDirectory, systemId: instance.systemId, isRunning: true },
      });
    });

    test('K-064 K-066 is logged in to through its own socket, as superuser', async () => {
      expect(await checkLogin(instance)).toEqual({ user: 'system', isSuperuser: true });
    });

    test('K-013 says at login what it is, and its catalog is asked under the names that it has', async () => {
      const session = await openSession(instance);
      try {
        expect(session.identity).toEqual({ title: `KingbaseES ${builds[kingbase.engine]}` });
        const schema = options.mode === 'pg' ? 'pg_catalog.pg' : 'sys_catalog.sys';
        expect(session.spell('select pg_switch_wal()')).toBe(`select ${schema}_switch_wal()`);
        expect(session.spell(`select 'pg_switch_wal' from pg_database`)).toBe(
          `select 'pg_switch_wal' from ${schema}_database`,
        );
      } finally {
        await session.close();
      }
    });

    test('K-064 a wrong password is told by its code, whatever language the server speaks', async () => {
      const login = { user: 'system', password: 'wrong', database: 'test' };
      await expect(checkLogin({ ...instance, login })).rejects.toMatchObject({ code: 'login_refused' });
    });

    test('K-062 preflight finds nothing that forbids a backup', async () => {
      const report = await preflight({ instance });
      expect(report.findings.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
      expect(report).toMatchObject({ archiveDirectory: kingbase.archiveDirectory, serverVersion: 120022 });
    });
  },
);
