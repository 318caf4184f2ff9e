import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { connectKingbase } from '#tests/support/kingbase-template.ts';
import type { Kingbase } from '#tests/support/kingbase.ts';
import { canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { stopServerIn } from '#tests/support/server-life.ts';

const runShape = z.looseObject({
  state: z.string(),
  outcome: z.looseObject({ result: z.looseObject({ port: z.number().optional(), socket: z.string().optional() }) }),
});

describe.skipIf(!canShimKingbase)('KingbaseES (shimmed) through the whole product', () => {
  let kingbase: Kingbase;
  let platform: Platform;
  beforeAll(async () => {
    kingbase = await openKingbase({ engine: 'kingbase-v9', archive: true, isChinese: true });
    platform = await openPlatform({ env: { HOLDFAST_POSTGRES_BIN: kingbase.programs } });
    await platform.localPool('safe');
  });
  afterAll(async () => {
    await platform.close();
    await kingbase.close();
  });

  test('K-014 K-064 it is discovered under its release and logged in to with the user and database it has', async () => {
    await platform.register(kingbase, 'erp');
    expect(await platform.done(['resource', 'login', 'erp'], { HOLDFAST_PASSWORD: kingbase.password })).toMatchObject({
      engine: 'kingbase-v9',
      isLoggedIn: true,
      loginUser: 'system',
    });
    const preflight = JSON.stringify(await platform.done(['resource', 'preflight', 'erp']));
    expect(preflight).toContain('KingbaseES V009R001C001B0024');
  });

  test('K-047 K-048 K-049 K-089 full, incremental and log by command line come back as a copy', async () => {
    const backUp = async (type: string): Promise<void> => {
      const args = ['backup', '--type', type, '--resource', 'erp', '--pool', 'safe', '--wait'];
      expect(await platform.done(args)).toMatchObject({ state: 'succeeded' });
    };
    await kingbase.sql('create table ledger as select g as id from generate_series(1, 500) g');
    await backUp('full');
    await kingbase.sql('insert into ledger values (501)');
    await backUp('differential');
    await kingbase.sql('insert into ledger values (502)');
    await backUp('log');
    const copy = join(platform.folder, 'copy');
    const args = ['restore', 'run', '--resource', 'erp', '--latest', '--to', copy, '--port', '6543', '--wait'];
    const run = runShape.parse(await platform.done(args));
    const { socket = '', port = 0 } = run.outcome.result;
    const client = await connectKingbase({ socket, port, user: 'system', database: 'test' });
    try {
      expect((await client.query('select count(*)::int as n, max(id) as last from ledger')).rows).toEqual([
        { n: 502, last: 502 },
      ]);
    } finally {
      await client.end();
      await stopServerIn(copy);
    }
  });
});
