import { expect, test } from 'vitest';
import { wholeDatabase } from '#core/logical/selection.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { writeCanary } from '#agent/drill/write-canary.ts';
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
