import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { Standby } from '#tests/support/standby.ts';
import { openStandby } from '#tests/support/standby.ts';

let primary: Postgres;
let standby: Standby;
let bench: BackupBench;
let restores: RestoreBench;
let instance: InstanceAccess;

beforeAll(async () => {
  primary = await openPostgres({ archive: true });
  standby = await openStandby(primary);
  bench = await openBackupBench();
  restores = openRestoreBench(bench, primary);
  instance = await instanceAccess(primary);
  await primary.sql('create table orders (id int)');
  const order = bench.order(instance, { archiveDirectory: primary.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await standby.close();
  await primary.close();
});

/** Its archive is that of the primary, as it is where configuration was copied. */
async function promoteByMistake(): Promise<void> {
  await standby.cut();
  await standby.sql('select pg_promote()');
  await standby.sql('insert into orders values (-1)');
  const [row] = await standby.sql('select pg_walfile_name(pg_switch_wal()) as file');
  await waitFor(() => Promise.resolve(existsSync(join(primary.archiveDirectory, String(row?.['file'])))), 30_000);
}

test('K-095 after a standby was promoted by mistake, the plan and the run of a restore to the latest point name the timeline that was written on', async () => {
  await promoteByMistake();
  await primary.sql('insert into orders values (1)');
  await restores.backUpLog(instance, primary.archiveDirectory);
  await primary.sql('insert into orders values (2)');
  await restores.backUpLog(instance, primary.archiveDirectory);
  const log = { sets: restores.sets, batches: restores.batches, owner: instance.resourceId };
  const planned = (name: string, timeline?: number) =>
    restores.plan({
      ...{ log, timeline, target: { at: 'latest' } },
      place: { kind: 'copy', directory: restores.directory(name) },
    });
  const followed = planned('followed');
  expect(followed).toMatchObject({ timeline: 2, leavesYounger: { followed: 2, timeline: 1 } });
  expect(followed.steps[0]).toContain('plan with --timeline 1');
  const { warnings } = await restores.restore(restores.order(followed));
  expect(warnings).toEqual([{ code: 'younger_timeline_left', detail: followed.steps[0] }]);
  const named = await restores.restore(restores.order(planned('named', 1)));
  expect(named.warnings).toEqual([]);
  expect(await restores.sql(named, 'select id from orders order by id')).toEqual([{ id: 1 }, { id: 2 }]);
});
