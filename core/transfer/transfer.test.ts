import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseId } from '../id.ts';
import { wholeDatabase } from '../logical/selection.ts';
import { grantsOfText } from './acl-text.ts';
import { demandConsent, refuseParts, taskOf, warnLeftOut } from './choice.ts';
import { propertyStatements, shapeDifferences } from './database-shape.ts';
import { failedStatement, isHarmless, isPassing } from './failed-statements.ts';
import { firstDifference } from './inventory.ts';
import { keptName, keptSchema, literal, quoted, undoneSchema } from './names.ts';

const run = parseId('run', `run_${'0'.repeat(20)}0123456789ab`);
const shape = {
  ...{ owner: 'o', encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'c', tablespace: 'pg_default' },
  ...{ connectionLimit: -1, settings: [] },
};

describe('a choice', () => {
  const none = { databases: [], tables: [], endsSessions: false, dropsOld: false };
  const orders = { database: 'app', schema: 'shop', table: 'orders' };

  test('K-108 takes the old name unless a new one is given, which is for one thing alone', () => {
    expect(taskOf({ ...none, databases: ['app'] }).databases).toEqual([{ database: 'app', as: 'app' }]);
    expect(taskOf({ ...none, tables: [orders], as: 'then' }).tables).toEqual([{ ...orders, as: 'then' }]);
    type Choice = Partial<Parameters<typeof taskOf>[0]>;
    const bad = (choice: Choice) => () => taskOf({ ...none, ...choice });
    expect(bad({})).toThrow(expect.objectContaining({ code: 'transfer_nothing_chosen' }));
    const choices: readonly Choice[] = [
      { databases: ['a', 'b'], as: 'c' },
      { databases: ['a', 'a'] },
      { databases: ['a'], tables: [orders] },
      { databases: ['a'], schemas: [{ database: 'a', schema: 's' }] },
      { tables: [orders, { ...orders, database: 'other' }] },
      { databases: ['a'], as: 'holdfast_tmp_1' },
    ];
    for (const choice of choices) expect(bad(choice)).toThrow(expect.objectContaining({ code: 'transfer_choice_bad' }));
  });

  test('K-108 needs the name of the instance typed when something live is replaced, and only then', () => {
    const replacing = taskOf({ ...none, databases: ['app'] });
    expect(() => {
      demandConsent(replacing, 'main', undefined);
    }).toThrow(
      expect.objectContaining({
        code: 'consent_missing',
        params: { what: expect.any(String) as string, consent: 'main' },
      }),
    );
    for (const consent of ['', 'Main', 'app'])
      expect(() => {
        demandConsent(replacing, 'main', consent);
      }).toThrow(expect.objectContaining({ code: 'transfer_consent_mismatch' }));
    demandConsent(replacing, 'main', 'main');
    demandConsent(taskOf({ ...none, databases: ['app'], as: 'then' }), 'main', undefined);
  });
});

test('K-090 a part of a database or of a schema never takes the place of all of it, but may have a new name', () => {
  const databases = [
    { name: 'app', isWhole: false },
    { name: 'all', isWhole: true },
  ];
  const some = { database: 'app', schemas: ['s'], tables: [{ schema: 't', table: 'one' }], excludeSchemas: [] };
  const chosen = [{ ...some, excludeTables: [] }, wholeDatabase('all')];
  const held = { selection: { of: 'chosen' as const, databases: chosen }, databases };
  const refusal = (task: Parameters<typeof refuseParts>[0], by = held): unknown => {
    try {
      refuseParts(task, by);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const schemas = (database: string, schema: string, as = schema) => ({
    databases: [],
    schemas: [{ database, schema, as }],
  });
  expect(refusal({ databases: [{ database: 'app', as: 'app' }] })).toMatchObject({ code: 'transfer_part_over_whole' });
  for (const schema of ['t', 'u'])
    expect(refusal(schemas('app', schema))).toMatchObject({ code: 'transfer_part_over_schema', params: { schema } });
  const without = [{ ...some, tables: [], excludeTables: [{ schema: 's', table: 'big' }] }];
  const left = { selection: { of: 'chosen' as const, databases: without }, databases };
  expect(refusal(schemas('app', 's'), left)).toMatchObject({ code: 'transfer_part_over_schema' });
  for (const task of [schemas('app', 's'), schemas('app', 't', 'then'), schemas('all', 'u')])
    expect(refusal(task)).toBeUndefined();
  expect(refusal({ databases: [{ database: 'app', as: 'then' }] })).toBeUndefined();
  expect(refusal({ databases: [{ database: 'all', as: 'all' }] })).toBeUndefined();
});

test('K-101 a table whose partitions a set leaves out is not replaced by it, and under a new name that is said', () => {
  const name = { schema: 's', table: 't' };
  const leftOut = [{ schema: 'a', table: 'old', partOf: [name, { schema: 's', table: 'part' }] }];
  const databases = [{ name: 'app', isWhole: false, leftOut }];
  const held = { selection: { of: 'chosen' as const, databases: [wholeDatabase('app')] }, databases };
  const table = (as: string, of = name) => ({ tables: [{ database: 'app', ...of, as }] });
  const schema = (one: string, as = one) => ({ schemas: [{ database: 'app', schema: one, as }] });
  expect(() => {
    refuseParts(table('t'), held);
  }).toThrow(
    expect.objectContaining({ code: 'transfer_part_over_table', params: { table: 's.t', partitions: 'a.old' } }),
  );
  for (const one of ['s', 'a'])
    expect(() => {
      refuseParts(schema(one), held);
    }).toThrow(expect.objectContaining({ code: 'transfer_part_over_schema' }));
  for (const task of [table('u'), table('o', { schema: 's', table: 'o' }), schema('s', 'u'), schema('other')])
    refuseParts(task, held);
  expect(warnLeftOut(table('u'), held)).toMatchObject([{ code: 'partition_left_out' }]);
  expect(warnLeftOut(table('o', { schema: 's', table: 'o' }), held)).toEqual([]);
});

test('names stay within what a server keeps, whole characters only', () => {
  expect(keptName('app', run)).toBe('app_before_0123456789ab');
  const long = keptName('订'.repeat(30), run);
  expect(new TextEncoder().encode(long).length).toBeLessThanOrEqual(63);
  expect(long).toMatch(/^订+_[0-9a-f]{8}_before_0123456789ab$/);
  expect(quoted('a"b')).toBe('"a""b"');
  expect(literal(`it's a\\b`)).toBe(` E'it''s a\\\\b'`);
});

test('K-108 names of kept and undone things differ whenever what they are made of does', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 63, unit: 'grapheme' }), {
    minLength: 2,
    maxLength: 9,
  });
  fc.assert(
    fc.property(names, (some) => {
      const long = some.map((one) => `${'订单'.repeat(10)}${one}`);
      for (const all of [some, long].map((texts) => texts.map((one) => keptName(one, run)))) {
        expect(new Set(all).size).toBe(all.length);
        for (const one of all) expect(new TextEncoder().encode(one).length).toBeLessThanOrEqual(63);
      }
    }),
  );
  expect(undoneSchema(keptSchema(run, 0))).not.toBe(undoneSchema(keptSchema(run, 1)));
});

test('rights of a database are read from their text', () => {
  expect(grantsOfText('{=Tc/own,"we ird=C*c/own"}')).toEqual([
    { role: '', privilege: 'temporary', isGrantable: false },
    { role: '', privilege: 'connect', isGrantable: false },
    { role: 'we ird', privilege: 'create', isGrantable: true },
    { role: 'we ird', privilege: 'connect', isGrantable: false },
  ]);
});

test('lists of a setting are written name by name, everything else as one text, and nothing of them is SQL', () => {
  const settings = [
    { role: '', setting: 'search_path="$user", shop,"a "",b"' },
    { role: 'r', setting: 'work_mem=64MB' },
    { role: 'r', setting: 'search_path=public;alter/**/role/**/r/**/superuser;--' },
    { role: 'r', setting: 'search_path=' },
    { role: 'r', setting: 'search_path=a, b; drop' },
    { role: 'r', setting: 'search_path=a,' },
  ];
  expect(propertyStatements('d', { ...shape, settings })).toEqual([
    'alter database "d" connection limit -1',
    `alter database "d" set "search_path" to '$user', 'shop', 'a ",b'`,
    `alter role "r" in database "d" set "work_mem" to '64MB'`,
    `alter role "r" in database "d" set "search_path" to 'public;alter/**/role/**/r/**/superuser;--'`,
    `alter role "r" in database "d" set "search_path" to ''`,
    `alter role "r" in database "d" set "search_path" to 'a, b; drop'`,
    `alter role "r" in database "d" set "search_path" to 'a,'`,
  ]);
  expect(shapeDifferences(shape, { ...shape, owner: 'p', settings })).toHaveLength(2);
});

test('a refused statement is told by the object it is about, whatever is in the name', () => {
  const about = (statement: string) => failedStatement({ sqlState: '42704', message: 'no', statement }).object;
  expect(about('ALTER TABLE ONLY shop.items\n    ADD CONSTRAINT items_order FOREIGN KEY')).toBe('TABLE shop.items');
  expect(about('CREATE UNIQUE INDEX "a ""b""\n\\! c" ON shop.items')).toBe('INDEX "a ""b""\n\\! c"');
  expect(about('CREATE MATERIALIZED VIEW "磐 石".v AS')).toBe('MATERIALIZED VIEW "磐 石".v');
  expect(about('CREATE OR REPLACE FUNCTION shop.total(x integer)')).toBe('FUNCTION shop.total');
  expect(about('GRANT SELECT ON TABLE shop.orders TO gone')).toBe('TABLE shop.orders');
  expect(about('COPY shop.orders (id) FROM stdin')).toBe('TABLE shop.orders');
  expect(about('SELECT pg_catalog.lo_create(7)')).toBe('SELECT pg_catalog.lo_create(7)');
  const refused = { sqlState: '23503', message: 'a', detail: 'b', statement: 'x'.repeat(1000) };
  expect(failedStatement(refused)).toMatchObject({ message: 'a (b)', statement: 'x'.repeat(400) });
  // Cut at 400 and at 60, never within a sign.
  const apples = (before: number) => failedStatement({ ...refused, statement: `${'x'.repeat(before)}🍎🍎` });
  expect(apples(399).statement).toBe('x'.repeat(399));
  expect(apples(59).object).toBe('x'.repeat(59));
  expect(isHarmless('SET transaction_timeout = 0;')).toBe(true);
  expect([isPassing('57P01'), isPassing('42704')]).toEqual([true, false]);
});

test('the first differences of two ends are named', () => {
  const one = {
    objects: ['table a'],
    rows: new Map([['a', '1']]),
    sequences: new Map<string, string>(),
    largeObjects: 0,
  };
  expect(firstDifference(one, one)).toBeUndefined();
  expect(firstDifference(one, { ...one, objects: [], rows: new Map([['a', '2']]) })).toBe(
    'table a is missing; rows in a: 1 in the source, 2 here',
  );
});
