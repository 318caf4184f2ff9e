import { expect, test } from 'vitest';
import { openSession } from '#agent/database/session.ts';
import { tryCanary, writeCanary } from '#agent/drill/write-canary.ts';
import { instanceAccess } from '#tests/support/backup.ts';
import { newId } from '#tests/support/orchestra.ts';
import { openPostgres } from '#tests/support/postgres.ts';

test('K-092 a canary is tried as a log backup writes it, and nothing of the trial stays', async () => {
  const server = await openPostgres();
  const instance = await instanceAccess(server);
  const admin = await openSession(instance);
  const refusal = (database: string, ...staticTables: string[]) =>
    expect(tryCanary(instance, { database, staticTables })).rejects;
  try {
    await admin.query('create table public.fixed as select generate_series(1, 3) as id');
    await tryCanary(instance, { database: 'postgres', staticTables: ['public.fixed'] });
    expect(await admin.query("select 1 from pg_namespace where nspname = 'holdfast'")).toEqual([]);
    await refusal('postgres', 'public.missing').toMatchObject({
      ...{ code: 'canary_unwritable', params: { database: 'postgres' } },
      message: expect.stringMatching(/relation "public\.missing" does not exist/) as string,
    });
    await refusal('nowhere').toMatchObject({
      message: expect.stringMatching(/database "nowhere" does not exist/) as string,
    });
    await admin.query('create database frozen');
    await admin.query('alter database frozen set default_transaction_read_only = on');
    await refusal('frozen').toMatchObject({ code: 'canary_unwritable', params: { database: 'frozen' } });
    // After real ones, too.
    const canary = { database: 'postgres', staticTables: [] };
    const first = await writeCanary(instance, canary, newId('run'));
    await tryCanary(instance, canary);
    expect(await admin.query('select seq::text as seq from holdfast.canary')).toEqual([{ seq: String(first.seq) }]);
  } finally {
    await admin.close();
    await server.close();
  }
});
