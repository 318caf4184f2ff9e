import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openSet } from '#agent/sets/open-set.ts';

let postgres: Postgres;
let bench: BackupBench;
beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
});
afterAll(async () => {
  bench.close();
  await postgres.close();
});

test('K-047 backs up a running instance', async () => {
  const order = bench.order(await instanceAccess(postgres, {}), { archiveDirectory: postgres.archiveDirectory });
  const summary = await bench.takeFullBackup(order, bench.step(order));
  const set = await openSet(await bench.openPool(), order.setId);
  expect(set.meta.summary).toEqual(summary);
});
