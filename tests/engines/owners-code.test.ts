import { expect, test } from 'vitest';
import { wholeDatabase } from '#core/logical/selection.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { countTables } from '#agent/drill/count-static.ts';
import { tryCanary, writeCanary } from '#agent/drill/write-canary.ts';
import { selectedRelations } from '#agent/logical/backup-relations.ts';
import { readNeeds } from '#agent/transfer/read-database.ts';
import { readInventory } from '#agent/transfer/read-inventory.ts';
import { dependentsOf } from '#agent/transfer/table-facts.ts';
import { instanceAccess } from '#tests/support/backup.ts';
import { newId } from '#tests/support/orchestra.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const takesPower = `create function public.take() returns boolean language plpgsql as
  $$ begin alter role owner_of_app superuser; return true; exception when others then return false; end $$`;

const isSuperuser = async (session: Session): Promise<string> =>
  textOf(await session.queryOne("select rolsuper::text as is from pg_roles where rolname = 'owner_of_app'"), 'is');

/** What fits better than what the system has: a left side of its own type, a right side that needs no cast. */
const overloads: readonly string[] = [
  `create function public.joined(name, text) returns text language plpgsql as
     $$ begin perform public.take(); return $1::text operator(pg_catalog.||) $2; end $$`,
  'create operator public.|| (leftarg = name, rightarg = text, function = public.joined)',
  `create function public.later(oid, int) returns boolean language plpgsql as
     $$ begin perform public.take(); return $1 operator(pg_catalog.>=) $2::oid; end $$`,
  'create operator public.>= (leftarg = oid, rightarg = int, function = public.later)',
  `create function public.count(text) returns bigint language plpgsql as $$ begin perform public.take(); return 1; end $$`,
];

test('K-092 K-108 no function or operator that an owner made in public is found by what we ask', async () => {
  const server = await openPostgres({ major: 18 });
  const instance = await instanceAccess(server);
  const admin = await openSession(instance);
  try {
    await admin.query('create role owner_of_app nosuperuser');
    await admin.query('create database app owner owner_of_app');
    const owner = await openSession(instance, 'app');
    for (const statement of ['set role owner_of_app', takesPower, ...overloads]) await owner.query(statement);
    await owner.query('create table public.orders (id int)');
    await owner.close();

    const ours = await openSession(instance, 'app');
    expect((await readInventory(ours, {})).objects).toContain('table public.orders');
    expect((await readNeeds(ours)).roles).toContain('owner_of_app');
    expect((await selectedRelations(ours, wholeDatabase('app'))).relations).toHaveLength(1);
    expect(await dependentsOf(ours, [{ schema: 'public', table: 'orders' }])).toEqual([]);
    await ours.close();
    expect(await isSuperuser(admin)).toBe('false');

    const asSet = await openSession(instance, 'app', 'as-set');
    await readInventory(asSet, {});
    await asSet.close();
    expect(await isSuperuser(admin), 'what is kept out would have worked').toBe('true');
  } finally {
    await admin.close();
    await server.close();
  }
});

test('K-092 the owner of a database runs no code of his own as the login of a backup', async () => {
  const server = await openPostgres({ major: 18 });
  const instance = await instanceAccess(server);
  const admin = await openSession(instance);
  try {
    await admin.query('create role owner_of_app nosuperuser');
    await admin.query('create database app owner owner_of_app');
    await admin.query('alter database app set search_path to evil, pg_catalog');
    const owner = await openSession(instance, 'app');
    const seed = [
      'set role owner_of_app',
      takesPower,
      'create schema evil',
      'create view evil.pg_namespace as select * from pg_catalog.pg_namespace where public.take()',
      'create schema holdfast',
      `create table holdfast.canary (seq bigint generated always as identity primary key,
         at timestamptz not null default clock_timestamp(), run_id text not null unique, counts text not null)`,
      'create function public.hears() returns trigger language plpgsql as $$ begin perform public.take(); return new; end $$',
      'create trigger hears before insert on holdfast.canary for each row execute function public.hears()',
    ];
    for (const statement of seed) await owner.query(statement);
    await owner.close();

    const ours = await openSession(instance, 'app');
    expect((await ours.query('select nspname from pg_namespace')).length).toBeGreaterThan(3);
    await ours.close();
    await expect(writeCanary(instance, { database: 'app', staticTables: [] }, newId('run'))).rejects.toMatchObject({
      code: 'canary_foreign',
    });
    expect(await isSuperuser(admin)).toBe('false');

    const asSet = await openSession(instance, 'app', 'as-set');
    await asSet.query('select nspname from pg_namespace');
    await asSet.close();
    expect(await isSuperuser(admin), 'what is kept out would have worked').toBe('true');
  } finally {
    await admin.close();
    await server.close();
  }
});

/** Tables of an owner that are marked static: two that are, and what stands in the place of others by now. */
const marked: readonly string[] = [
  'set role owner_of_app',
  takesPower,
  'create schema app',
  'create table app.plain (name text, id int)',
  "insert into app.plain select 'x', g from generate_series(1, 3) g",
  'create table app.parted (id int) partition by list (id)',
  'create table app.one partition of app.parted for values in (1)',
  'create table app.two partition of app.parted for values in (2)',
  'insert into app.parted values (1), (2), (2)',
  `create function app.folded(int) returns int immutable language plpgsql as
     $$ begin perform public.take(); return $1; end $$`,
  'create table app.indexed (id int)',
  `create function app.view() returns setof int language plpgsql as $$ begin perform public.take(); return next 1; end $$`,
  'create view app.countries as select * from app.view() as id',
  'create view app.sleeps as select 1 as id from pg_sleep(1000)',
  'reset role',
  // By somebody who does not suffer from it; whoever plans a query of the table calls the function.
  'create index on app.indexed ((id + app.folded(1)))',
  'alter role owner_of_app nosuperuser',
  'create foreign data wrapper far',
  'create server far foreign data wrapper far',
  'create table app.mixed (id int) partition by list (id)',
  'create foreign table app.away partition of app.mixed for values in (1) server far',
];

test('K-092 counting static tables runs nothing of their owner: what is no plain table is said, and the canary written', async () => {
  const server = await openPostgres({ major: 18 });
  const instance = await instanceAccess(server);
  const admin = await openSession(instance);
  try {
    await admin.query('create role owner_of_app nosuperuser');
    await admin.query('create database app owner owner_of_app');
    const owner = await openSession(instance, 'app');
    for (const statement of marked) await owner.query(statement);
    const staticTables = ['plain', 'parted', 'indexed', 'countries', 'sleeps', 'mixed', 'missing'].map(
      (name) => `app.${name}`,
    );
    const [warned, runId] = [[] as string[], newId('run')];
    const warn = ({ code, detail }: { code: string; detail: string }) => void warned.push(`${code} ${detail}`);
    const written = await writeCanary(instance, { database: 'app', staticTables }, runId, { warn });
    expect(written.seq).toBe(1);
    expect(await isSuperuser(admin)).toBe('false');
    const row = await owner.queryOne('select counts from holdfast.canary where run_id = $1', [runId]);
    expect(JSON.parse(textOf(row, 'counts'))).toEqual({
      ...{ 'app.plain': '3', 'app.parted': '3', 'app.indexed': '0' },
      ...{ 'app.countries': null, 'app.sleeps': null, 'app.mixed': null, 'app.missing': null },
    });
    expect(warned).toEqual([
      expect.stringMatching(/^static_table_uncounted .*app\.countries is a view.*static_table_not_plain/),
      expect.stringMatching(/app\.sleeps is a view/),
      expect.stringMatching(/app\.mixed .*app\.away is a foreign table/),
      expect.stringMatching(/"app\.missing" does not exist/),
    ]);
    await expect(tryCanary(instance, { database: 'app', staticTables: ['app.countries'] })).rejects.toMatchObject({
      code: 'static_table_not_plain',
    });
    await owner.query('select count(*) from app.countries');
    expect(await isSuperuser(admin), 'what is kept out would have worked').toBe('true');

    // Held by its owner for as long as he likes.
    await owner.query('begin');
    await owner.query('lock table app.plain in access exclusive mode');
    const hurried = await openSession(instance, 'app');
    const counted = await countTables(hurried, ['app.plain', 'app.parted'], { seconds: 1 });
    await hurried.close();
    expect(counted.map((one) => ('error' in one ? one.error.code : one.rows))).toEqual(
      Array(2).fill('static_table_slow'),
    );
    const stopping = new AbortController();
    const canary = { database: 'app', staticTables: ['app.plain'] };
    const stopped = writeCanary(instance, canary, newId('run'), { signal: stopping.signal });
    const reason = new DOMException('the run was cancelled', 'AbortError');
    const isCounting = "select 1 from pg_locks where not granted and mode = 'AccessShareLock'";
    await expect.poll(() => admin.query(isCounting), { timeout: 20_000 }).toHaveLength(1);
    stopping.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    await owner.query('rollback');
    await owner.close();
  } finally {
    await admin.close();
    await server.close();
  }
});
