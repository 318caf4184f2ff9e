import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { provideClientTools, providePostgres } from '#scripts/servers/postgres.mjs';
import { askAll } from '#tests/support/ask-all.ts';
import type { Platform } from '#tests/support/platform.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import { openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
const where = ['--resource', 'main', '--pool', 'vault'];

beforeAll(async () => {
  // What 18 dumps has words that 15 does not know.
  const tools = await provideClientTools(platformMajor === 18 ? 18 : 16);
  const programs = [await providePostgres(platformMajor), tools];
  platform = await openPlatform({ env: { HOLDFAST_POSTGRES_BIN: programs.join(':') } });
  await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
});
afterAll(() => platform.close());

async function sql(database: string, ...statements: readonly string[]): Promise<readonly unknown[]> {
  const { socketDirectory: host, port, user, password } = platform.instance;
  const client = new pg.Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  return askAll(client, statements);
}

const contents = (database: string): Promise<readonly unknown[]> =>
  sql(database, `select count(*)::int as rows, md5(string_agg(t::text, e'\\n' order by id)) as hash from ledger t`);
const runShape = z.looseObject({
  ...{ id: z.string(), state: z.string() },
  outcome: z.looseObject({
    result: z.looseObject({ placed: z.array(z.looseObject({ keptAs: z.string().optional() })) }),
  }),
});
const momentShape = z.tuple([z.object({ at: z.string() })]);

test('K-108 one database goes back to a moment by command line while the others go on', async () => {
  for (const name of ['app', 'other']) {
    await sql('postgres', `create database ${name}`);
    await sql(name, 'create table ledger as select g as id, md5(g::text) as word from generate_series(1, 1000) g');
  }
  await platform.done(['backup', '--type', 'full', ...where, '--wait']);
  await sql('app', 'insert into ledger select g, md5(g::text) from generate_series(1001, 1500) g');
  const wanted = await contents('app');
  const [{ at }] = momentShape.parse(
    await sql('app', `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`),
  );
  await sql('app', 'delete from ledger where id > 3');
  await sql('other', 'update ledger set word = $$changed$$ where id < 500');
  await platform.done(['backup', '--type', 'log', ...where, '--wait']);
  const other = await contents('other');

  const asked = ['--resource', 'main', '--at', at, '--database', 'app'];
  const plan = z.looseObject({ consent: z.string(), steps: z.array(z.string()) });
  const shown = plan.parse(await platform.done(['database-recovery', 'plan', ...asked]));
  expect(shown).toMatchObject({ consent: 'main' });
  expect(shown.steps.at(-1)).toBe('Remove the scratch instance');
  expect(await platform.refused(3, ['database-recovery', 'run', ...asked, '--wait'])).toMatchObject({
    code: 'consent_missing',
  });
  const mistyped = ['database-recovery', 'run', ...asked, '--consent', 'other', '--wait'];
  expect(await platform.refused(3, mistyped)).toMatchObject({ code: 'transfer_consent_mismatch' });
  const session = new pg.Client({ ...connectionTo('app') });
  session.on('error', () => undefined);
  await session.connect();
  expect(
    await platform.refused(3, ['database-recovery', 'run', ...asked, '--consent', 'main', '--wait']),
  ).toMatchObject({
    code: 'transfer_in_use',
  });
  const run = runShape.parse(
    await platform.done(['database-recovery', 'run', ...asked, '--consent', 'main', '--end-sessions', '--wait']),
  );
  expect(await contents('app')).toEqual(wanted);
  expect(await contents('other')).toEqual(other);
  const [kept] = run.outcome.result.placed;
  expect(await sql(kept?.keptAs ?? '', 'select count(*)::int as n from ledger')).toEqual([{ n: 3 }]);
  expect(await platform.done(['database-recovery', 'ls'])).toMatchObject({ data: [{ id: run.id, kept: 'kept' }] });
  await platform.done(['database-recovery', 'confirm', run.id, '--wait']);
  expect(await platform.done(['database-recovery', 'ls'])).toMatchObject({ data: [{ id: run.id, kept: 'confirmed' }] });
  expect(
    await sql('postgres', `select datname::text as name from pg_database where not datistemplate order by 1`),
  ).toEqual([{ name: 'app' }, { name: 'other' }, { name: 'postgres' }]);
  expect(await platform.refused(3, ['database-recovery', 'undo', run.id])).toMatchObject({ code: 'transfer_not_kept' });
});

test('K-108 a database or table that neither the set nor the instance has is refused before anything is restored', async () => {
  await sql('postgres', 'create database retired');
  await platform.done(['backup', '--type', 'full', ...where, '--wait']);
  await sql('postgres', 'drop database retired', 'create database passed_by', 'drop database passed_by');
  const plan = (...asked: readonly string[]) => [
    ...['database-recovery', 'plan', '--resource', 'main', '--latest', '--database', ...asked],
  ];
  const unlisted = (near: string) => ({
    ...{ code: 'recovery_name_unlisted', hint: expect.stringContaining(`Did you mean ${near}?`) as string },
  });
  const run = ['database-recovery', 'run', '--resource', 'main', '--latest', '--table', 'app.public.legder'];
  const [database, table, passedBy, logical, canary] = await Promise.all([
    platform.refused(2, plan('ohter')),
    platform.refused(2, [...run, '--consent', 'main', '--wait']),
    platform.refused(2, plan('passed_by')),
    platform.refused(2, ['logical', 'backup', ...where, '--database', 'nope', '--wait']),
    platform.refused(2, ['canary', 'enable', 'main', '--database', 'ap']),
  ]);
  expect(database).toMatchObject(unlisted('other'));
  expect(table).toMatchObject(unlisted('public.ledger'));
  expect(passedBy).toMatchObject({ code: 'recovery_name_unlisted' });
  expect(logical).toMatchObject({ code: 'logical_database_missing' });
  expect(logical.message).toContain('on main');
  expect(canary).toMatchObject({ code: 'logical_database_missing' });
  expect(canary.hint).toContain('Did you mean app?');
  // What was dropped is in the set; what only the log can have is asked for by a word.
  for (const asked of [['retired'], ['passed_by', '--unlisted']])
    expect(await platform.done(plan(...asked))).toMatchObject({ consent: 'main' });
});

test('K-090 K-101 one table comes back from a logical set by command line', async () => {
  const { setId } = z
    .looseObject({ setId: z.string() })
    .parse(await platform.done(['logical', 'backup', ...where, '--database', 'app', '--wait']));
  const wanted = await contents('app');
  await sql('app', 'delete from ledger where id > 7');
  const misspelt = (...what: readonly string[]) => platform.refused(3, ['logical', 'restore-plan', setId, ...what]);
  expect(await misspelt('--table', 'app.public.legder')).toMatchObject({
    code: 'transfer_table_unknown',
    hint: expect.stringContaining('Did you mean public.ledger?') as string,
  });
  expect(await misspelt('--schema', 'app.publik')).toMatchObject({ code: 'transfer_schema_unknown' });
  expect(await misspelt('--database', 'appp')).toMatchObject({
    code: 'transfer_database_unknown',
    hint: expect.stringContaining('Did you mean app?') as string,
  });
  const asked = [setId, '--table', 'app.public.ledger'];
  expect(await platform.refused(3, ['logical', 'restore', ...asked, '--wait'])).toMatchObject({
    code: 'consent_missing',
  });
  expect(await platform.done(['logical', 'restore-plan', ...asked])).toMatchObject({ consent: 'main' });
  const run = runShape.parse(await platform.done(['logical', 'restore', ...asked, '--consent', 'main', '--wait']));
  expect(await contents('app')).toEqual(wanted);
  const [{ rows }] = z.tuple([z.object({ rows: z.number() })]).parse(wanted);
  expect(run.outcome.result).toMatchObject({ tables: 1, rows });
  await platform.done(['database-recovery', 'undo', run.id, '--wait']);
  expect(await sql('app', 'select count(*)::int as n from ledger')).toEqual([{ n: 7 }]);
  const shown = await platform.done(['database-recovery', 'discard-plan', run.id]);
  expect(shown).toMatchObject({ consent: 'main', drops: [expect.stringMatching(/^app\.holdfast_undone_.*\.ledger$/)] });
  const discard = ['database-recovery', 'discard', run.id, '--wait'];
  expect(await platform.refused(3, discard)).toMatchObject({ code: 'consent_missing' });
  await platform.done([...discard, '--consent', 'main']);
  expect(await sql('app', `select nspname from pg_namespace where nspname like 'holdfast%'`)).toEqual([]);
  expect(await platform.refused(3, discard)).toMatchObject({ code: 'transfer_not_kept' });
});

const connectionTo = (database: string) => {
  const { socketDirectory: host, port, user, password } = platform.instance;
  return { host, port, user, password, database };
};
