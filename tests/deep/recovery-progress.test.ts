import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let instance: InstanceAccess;

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true, config: ['max_wal_size = 2GB', 'wal_compression = off'] });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  instance = await instanceAccess(postgres);
  await postgres.sql('create table counter as select g as id, 0 as n from generate_series(1, 150000) g');
  await postgres.sql('create index on counter (n, id)');
  const order = bench.order(instance, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  for (let round = 0; round < 3; round++) await postgres.sql('update counter set n = n + 1');
  await restores.backUpLog(instance, postgres.archiveDirectory);
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

test('K-089 a recovery without a door tells where it replays, what it must reach, and how long the rest will take', async () => {
  const plan = restores.plan({ target: { at: 'latest' } });
  await restores.restore(restores.order(plan));
  const seen = bench.reports.flatMap(({ phase, replay }) => (replay === undefined ? [] : [{ phase, ...replay }]));
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen.map(({ phase, to }) => `${phase} ${to}`))).toEqual(new Set([`recover ${plan.mustReach}`]));
  const positions = seen.map(({ at }) => at);
  expect(positions).toEqual([...positions].sort(compareLsn));
  // How often a quick recovery is seen depends on the machine; the time left needs two positions.
  const isMoving = new Set(positions).size > 1;
  expect(seen.some(({ secondsLeft }) => secondsLeft !== undefined)).toBe(isMoving);
});
