import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogicalRestoreOrder } from '#core/transfer/order.ts';
import { quoted } from '#core/transfer/names.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import { platformMajor } from '#tests/support/platform-instance.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { openTransferStage } from '#tests/support/transfer-stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'h'));
const trap = join(folder, 't');
const command = `\\! touch ${trap}`;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** All that ends a name, a text, a statement or a line, in at most 63 bytes. */
const odd = (what: string): string => `${what}"'\n${command}\r\n;--$$`;
/** As long as a name may be. */
const long = '磐'.repeat(21);
const names = { database: odd('d'), schema: odd('s'), table: odd('t'), role: odd('r') };
const text = `'${odd('c').replaceAll("'", "''")}'`;
const q = (what: string): string => quoted(odd(what));
const table = `${q('s')}.${q('t')}`;

const furnish: readonly string[] = [
  `create schema ${q('s')}`,
  `comment on schema ${q('s')} is ${text}`,
  `create type ${q('s')}.${q('e')} as enum (${text}, 'b')`,
  `create table ${table} (${q('k')} serial primary key, ${quoted(long)} text default ${text}, e ${q('s')}.${q('e')})`,
  `create table ${q('s')}.${quoted(long)} (id int generated always as identity, "a;" int)`,
  `comment on column ${table}.${q('k')} is ${text}`,
  `insert into ${table} (e) select ${text} from generate_series(1, 10)`,
  `insert into ${q('s')}.${quoted(long)} ("a;") values (1), (2)`,
  `create index ${q('i')} on ${table} (${quoted(long)})`,
  `create function ${q('s')}.${q('f')}(${q('a')} int) returns int language plpgsql as $f$ begin return 1; /* ${command} */ end $f$`,
  `create function ${q('s')}.${q('g')}() returns trigger language plpgsql as $f$ begin return new; end $f$`,
  `create trigger ${q('g')} before update on ${table} for each row execute function ${q('s')}.${q('g')}()`,
  `alter table ${table} enable row level security`,
  `create policy ${q('p')} on ${table} using (${quoted(long)} = ${text})`,
  `create view ${q('s')}.${q('v')} as select ${text}::text as ${q('x')} from ${table}`,
  `grant select on ${table} to public`,
  `alter table ${table} owner to ${q('r')}`,
  `select lo_from_bytea(4711, 'large')`,
  `alter large object 4711 owner to ${q('r')}`,
  `comment on large object 4711 is ${text}`,
];

/** Everything above, by its names, in a form that two databases can be compared by. */
const held = `
  select 'schema ' || nspname || coalesce(obj_description(oid, 'pg_namespace'), '') as line from pg_namespace
   where oid >= 16384 and nspname !~ '^pg_'
  union all select 'relation ' || c.relkind::text || c.relname || pg_get_userbyid(c.relowner) || coalesce(c.relacl::text, '') from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.oid >= 16384 and n.nspname !~ '^pg_'
  union all select 'column ' || c.relname || a.attname || coalesce(col_description(c.oid, a.attnum), '') || coalesce(pg_get_expr(d.adbin, c.oid), '')
    from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where n.oid >= 16384 and n.nspname !~ '^pg_' and a.attnum > 0 and c.relkind in ('r', 'v')
  union all select 'function ' || pg_get_functiondef(p.oid) from pg_proc p where p.pronamespace >= 16384
  union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
  union all select 'policy ' || policyname || qual from pg_policies
  union all select 'value ' || enumlabel from pg_enum
  union all select 'row ' || t::text from ${table} t
  union all select 'blob ' || m.oid || pg_get_userbyid(m.lomowner) || obj_description(m.oid, 'pg_largeobject') || encode(l.data, 'hex')
    from pg_largeobject_metadata m join pg_largeobject l on l.loid = m.oid
  order by 1`;

describe(`names of PostgreSQL ${String(platformMajor)} that hold quotes, line breaks and commands of its shell`, () => {
  let stage: TransferStage;
  let set: LogicalRestoreOrder['setId'];
  let whole: unknown;
  const as = `then ${names.database}`.slice(0, 60);

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', `create role ${q('r')}`, `create database ${q('d')} owner ${q('r')}`);
    await stage.sql('postgres', `comment on database ${q('d')} is ${text}`);
    await stage.sql(names.database, ...furnish);
    whole = await stage.sql(names.database, held);
    set = await stage.logicalSet(names.database);
  });
  afterAll(() => stage.close());

  test('K-101 K-118 a logical set brings them back as database, schema and table, and nothing runs', async () => {
    const { database, schema } = names;
    await stage.restoreLogical(stage.logicalOrder(set, { databases: [{ database, as }] }));
    expect(await stage.sql(as, held)).toEqual(whole);
    const wanted = { database, schema, table: names.table, as: names.table };
    await stage.sql(database, `delete from ${table}`, `drop view ${q('s')}.${q('v')}`);
    const tables = stage.logicalOrder(set, { tables: [wanted], dropsOld: true });
    expect(await stage.restoreLogical(tables)).toMatchObject({ failures: [] });
    const schemas = stage.logicalOrder(set, { schemas: [{ database, schema, as: schema }], dropsOld: true });
    expect(await stage.restoreLogical(schemas)).toMatchObject({ failures: [] });
    expect(await stage.sql(database, held)).toEqual(whole);
    expect(existsSync(trap)).toBe(false);
  });

  test('K-108 a recovery to a point brings them back from a physical set, and nothing runs', async () => {
    await stage.backUp();
    const { database } = names;
    await stage.sql(database, `drop schema ${q('s')} cascade`);
    const order = stage.order({ databases: [{ database, as: database }], dropsOld: true });
    expect(await stage.recover(order)).toMatchObject({ failures: [], warnings: [] });
    expect(await stage.sql(database, held)).toEqual(whole);
    expect(existsSync(trap)).toBe(false);
  });
});

test('K-101 K-118 commands that a hostile source puts between its statements reach the server alone, which refuses them', async () => {
  const tools = await provideClientTools(18);
  const mark = 'm'.repeat(60);
  // Why: an archive keeps its statements as they are, so that one of the same length can take the place of another.
  const replacing = (hostile: string): string =>
    `s/${mark}/${hostile.padEnd(mark.length, '-').replace(/[\\/]/g, '\\$&').replaceAll('\n', '\\n')}/g`;
  const script = `#!/bin/sh
case "$*" in
  *--version*) exec ${tools}/pg_dump "$@";;
  *--quote-all*) change='${replacing(`x" int);\n${command}\n--`)}';;
  *) change='${replacing(`\n${command}\n`)}';;
esac
${tools}/pg_dump "$@" | LC_ALL=C sed "$change"
`;
  const programs = mkdtempSync(join(folder, 'p'));
  writeFileSync(join(programs, 'pg_dump'), script);
  writeFileSync(join(programs, 'pg_restore'), `#!/bin/sh\nexec ${tools}/pg_restore "$@"\n`);
  for (const name of readdirSync(programs)) chmodSync(join(programs, name), 0o755);
  const stage = await openTransferStage(18, [programs]);
  try {
    await stage.sql('postgres', 'create database app');
    await stage.sql('app', `create table a (${mark} int)`, 'create table b as select 1 as n');
    const set = await stage.logicalSet('app');
    const order = stage.logicalOrder(set, { databases: [{ database: 'app', as: 'then' }] });
    await expect(stage.restoreLogical(order)).rejects.toMatchObject({ code: 'transfer_incomplete' });
    await stage.backUp();
    const recovery = stage.order({ databases: [{ database: 'app', as: 'then' }] });
    await expect(stage.recover(recovery)).rejects.toMatchObject({
      code: 'transfer_refused',
      params: { sqlState: '42601' },
    });
    expect(existsSync(trap)).toBe(false);
    expect(
      await stage.sql(
        'postgres',
        `select 1 from pg_database where datname not in ('app', 'postgres') and not datistemplate`,
      ),
    ).toEqual([]);
  } finally {
    await stage.close();
  }
});
