import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { KingbaseStage } from '#tests/support/kingbase-stage.ts';
import { change, openKingbaseStage } from '#tests/support/kingbase-stage.ts';
import { connectKingbase } from '#tests/support/kingbase-template.ts';
import { canShimKingbase } from '#tests/support/kingbase.ts';

describe.skipIf(!canShimKingbase)('KingbaseES V9 restored in place (shimmed)', () => {
  let stage: KingbaseStage;
  beforeAll(async () => {
    stage = await openKingbaseStage({ engine: 'kingbase-v9' });
    await stage.backUp();
    await change(stage, 1);
    await stage.backUpLog();
  });
  afterAll(async () => {
    await stage.restores.stop(stage.kingbase.dataDirectory);
    await stage.close();
  });

  const plan = (changes: Partial<RestorePlan> = {}): RestorePlan => ({
    ...stage.restores.plan({
      target: { at: 'latest' },
      place: {
        kind: 'in-place',
        resourceId: stage.instance.resourceId,
        directory: stage.kingbase.dataDirectory,
        consent: 'test resource',
      },
    }),
    ...changes,
  });

  test('K-119 a running instance is refused, by its own pid file', async () => {
    await expect(
      stage.restores.restore(stage.restores.order(plan(), { instance: stage.instance })),
    ).rejects.toMatchObject({
      code: 'target_running',
      params: { evidence: expect.stringContaining('kingbase.pid') as string },
    });
  });

  test('K-089 K-098 a closed one is replaced, its unarchived log saved, and opens with its own settings', async () => {
    const before = await stage.digests();
    await stage.kingbase.sql(
      "insert into orders values (7, '') on conflict (id) do update set note = 'never archived'",
    );
    await stage.kingbase.stop();
    const own = readFileSync(join(stage.kingbase.dataDirectory, 'kingbase.conf'), 'utf8');
    const report = await stage.restores.restore(stage.restores.order(plan(), { instance: stage.instance }));
    expect(report).toMatchObject({ isOpen: true, timeline: 2, port: 54321, socket: stage.kingbase.socketDirectory });
    expect(await stage.digests()).toEqual(before);
    expect(readFileSync(join(stage.kingbase.dataDirectory, 'kingbase.conf'), 'utf8')).toBe(own);
    const auto = readFileSync(join(stage.kingbase.dataDirectory, 'kingbase.auto.conf'), 'utf8');
    expect(auto).not.toMatch(/recovery_target|restore_command/);
    expect(existsSync(join(report.keptOldAt ?? '', 'global', 'sys_control'))).toBe(true);
    expect(report.warnings.map(({ code }) => code).filter((code) => code.startsWith('archive_'))).toEqual([]);
    expect(existsSync(join(stage.kingbase.archiveDirectory, '00000002.history'))).toBe(true);
  });

  test('K-096 what was never archived is in the pool now: the old branch can be restored to its last commit', async () => {
    const place = { kind: 'copy' as const, directory: stage.restores.directory('old-branch') };
    const tablespaceMap = { [stage.space.oid]: stage.restores.directory('old-branch-space') };
    const target = { at: 'latest' as const };
    const ofOldBranch = stage.restores.plan({ target, place, tablespaceMap, timeline: 1 });
    const report = await stage.restores.restore(stage.restores.order(ofOldBranch));
    const { socket = '', port = 0 } = report;
    const client = await connectKingbase({ socket, port, user: 'system', database: 'test' });
    expect((await client.query('select note from orders where id = 7')).rows).toEqual([{ note: 'never archived' }]);
    await client.end();
    await stage.restores.stop(report.directory);
  });
});
