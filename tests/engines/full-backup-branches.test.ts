import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { branchIdOf } from '#agent/codec/hash.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { materialise } from '#tests/support/materialise.ts';
import { openPostgres } from '#tests/support/postgres.ts';

test('a standby is refused; promoted, it gives sets of its own recovery branch that carry the history', async () => {
  const postgres = await openPostgres({ major: 15, archive: true });
  const bench = await openBackupBench();
  const first = bench.order(await instanceAccess(postgres), { archiveDirectory: postgres.archiveDirectory });
  const original = await bench.takeFullBackup(first, bench.step(first));
  const settings = ['archive_mode = on', `archive_command = 'true'`];
  const copy = await materialise(bench, original.setId, postgres, { isStandby: true, settings });
  try {
    const instance = await instanceAccess(postgres, {
      dataDirectory: copy.dataDirectory,
      socket: copy.socketDirectory,
    });
    const second = bench.order(instance);
    await expect(bench.takeFullBackup(second, bench.step(second))).rejects.toMatchObject({
      code: 'backup_from_standby',
    });
    await copy.sql('select pg_promote()');
    const promoted = await bench.takeFullBackup(second, bench.step(second));
    expect(promoted).toMatchObject({ timeline: 2, systemId: original.systemId, isConsistent: true });
    const history = readFileSync(join(copy.dataDirectory, 'pg_wal', '00000002.history'));
    expect(promoted.branchId).toBe(branchIdOf(history.toString(), 2));
    expect(original.branchId).toBe(branchIdOf(''));
    expect(promoted.branchId).not.toBe(original.branchId);
    const set = await openSet(await bench.openPool(), promoted.setId);
    expect(Buffer.from(await set.readMember('pg_wal/00000002.history'))).toEqual(history);
    expect(set.meta.members.map(({ path }) => path)).not.toContain('standby.signal');
  } finally {
    await copy.close();
    bench.close();
    await postgres.close();
  }
});
