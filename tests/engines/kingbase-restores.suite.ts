import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RestoreTarget } from '#core/restore/target.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { KingbaseStage, KingbaseStageOptions } from '#tests/support/kingbase-stage.ts';
import { change, openKingbaseStage } from '#tests/support/kingbase-stage.ts';
import { canShimKingbase } from '#tests/support/kingbase.ts';

type Digests = Awaited<ReturnType<KingbaseStage['digests']>>;

/** Full, incrementals, log and points in it, told of one layout of KingbaseES (shimmed) and one kind of pool. */
export const restoresKingbase = (options: KingbaseStageOptions): void => {
  const { engine = 'kingbase-v8r6', mode = 'oracle', pool = 'local' } = options;
  describe.skipIf(!canShimKingbase)(`${engine} in ${mode} mode, pool ${pool} (shimmed)`, () => {
    let stage: KingbaseStage;
    let before: Digests;
    let after: Digests;
    let copies = 0;
    beforeAll(async () => {
      stage = await openKingbaseStage(options);
      const full = await stage.backUp();
      await change(stage, 1);
      const first = await stage.backUp({}, { summary: full, wanted: 'differential' });
      await stage.backUpLog();
      await change(stage, 2);
      await stage.backUp({}, { summary: first, wanted: 'differential' });
      await change(stage, 3);
      before = await stage.digests();
      await stage.kingbase.sql("select pg_create_restore_point('before the mistake')");
      await stage.kingbase.sql('delete from orders where id % 2 = 0');
      after = await stage.digests();
      await stage.backUpLog();
    });
    afterAll(() => stage.close());

    const restored = async (target: RestoreTarget): Promise<RestoreReport> => {
      const directory = stage.restores.directory(`copy-${String(++copies)}`);
      const place = { kind: 'copy' as const, directory };
      const tablespaceMap = { [stage.space.oid]: `${directory}-space` };
      return stage.restores.restore(stage.restores.order(stage.restores.plan({ target, place, tablespaceMap })));
    };

    test('K-047 a full holds the files under the names of KingbaseES and under no others', async () => {
      const opened = await stage.bench.openPool();
      const [full] = stage.restores.sets;
      if (full === undefined) return expect.fail('there is no set');
      const { members } = (await openSet(opened, full.setId)).meta;
      await opened.close();
      const paths = members.map(({ path }) => path);
      expect(paths).toEqual(expect.arrayContaining(['SYS_VERSION', 'global/sys_control', 'kingbase.conf', 'sys_aud']));
      expect(
        paths.filter((path) => /(^|\/)(pg_|PG_|postgresql|kingbase\.(pid|opts)$|sys_internal)/.test(path)),
      ).toEqual([]);
      expect(full).toMatchObject({ engine, isConsistent: true, hasChecksums: true });
    });

    test('K-048 D-023 incrementals on it are incrementals, and each set stands every check', async () => {
      expect(stage.restores.sets.map(({ type }) => type)).toEqual(['full', 'differential', 'differential']);
      expect(stage.restores.sets.map(({ base }) => base?.changedPages)).toEqual([undefined, 'log', 'log']);
      const opened = await stage.bench.openPool();
      for (const { setId } of stage.restores.sets) {
        const step = stage.bench.step(stage.bench.order(stage.instance));
        expect(await verifySet(opened, setId, 'page', step)).toMatchObject({ damage: [] });
      }
      await opened.close();
    });

    test('K-089 K-095 K-096 a point before a mistake brings back every row of both databases and the tablespace', async () => {
      const report = await restored({ at: 'name', name: 'before the mistake' });
      expect(await stage.digests(report)).toEqual(before);
      expect(report).toMatchObject({ timeline: 2, isOpen: true, port: 54321 });
      const names = readdirSync(report.directory);
      expect(names.filter((name) => /^(pg_|PG_|postgresql|postmaster)/.test(name))).toEqual([]);
      expect(existsSync(join(report.directory, 'sys_wal', '00000002.history'))).toBe(true);
      expect(existsSync(join(report.directory, 'recovery.signal'))).toBe(false);
      expect(readFileSync(join(report.directory, 'kingbase.auto.conf'), 'utf8')).toContain("archive_mode = 'off'");
      await stage.restores.stop(report.directory);
    });

    test('K-096 latest brings back the mistake, too: every commit that was archived', async () => {
      const report = await restored({ at: 'latest' });
      expect(await stage.digests(report)).toEqual(after);
      await stage.restores.stop(report.directory);
    });
  });
};
