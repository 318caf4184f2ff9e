import { expect, test } from 'vitest';
import { absentInBoth, absentNames, absentText } from './wanted-names.ts';

const shop = new Map([
  ['public', new Set(['orders', 'lines'])],
  ['sales', new Set(['orders_2025'])],
  ['empty', new Set<string>()],
]);
const there = {
  databases: ['shop', 'crm'],
  tablesOf: (database: string) => Promise.resolve(database === 'shop' ? shop : undefined),
};

test('a database, schema or table that is not there is told with the names that may have been meant', async () => {
  const wanted = [
    { database: 'shpo' },
    { database: 'shop', schema: 'pubilc' },
    { database: 'shop', schema: 'public', table: 'ordres' },
    { database: 'shop', schema: 'sales', table: 'orders' },
    { database: 'nowhere', schema: 'public', table: 'orders' },
  ];
  expect((await absentNames(wanted, there)).map(({ of, near }) => [of, ...near])).toEqual([
    ['database', 'shop'],
    ['schema', 'public'],
    ['table', 'public.orders'],
    ['table', 'public.orders', 'sales.orders_2025'],
    ['database'],
  ]);
});

test('what is there, or lies where nobody can look, is not absent', async () => {
  const wanted = [
    { database: 'shop' },
    { database: 'shop', schema: 'empty' },
    { database: 'shop', schema: 'public', table: 'orders' },
    { database: 'crm', schema: 'any', table: 'any' },
  ];
  expect(await absentNames(wanted, there)).toEqual([]);
});

test('what one of two places has is not lost', () => {
  const absent = (database: string, near: string) => ({ of: 'database' as const, wanted: { database }, near: [near] });
  const both = absentInBoth([absent('a', 'x'), absent('b', 'x')], [absent('b', 'y'), absent('c', 'y')]);
  expect(both.map((one) => [absentText(one), ...one.near])).toEqual([['database b', 'x', 'y']]);
  const table = { database: 'a', schema: 's', table: 't' };
  const [found] = absentInBoth(
    [{ of: 'database', wanted: table, near: [] }],
    [{ of: 'table', wanted: table, near: ['s.u'] }],
  );
  expect(found === undefined ? '' : absentText(found)).toBe('table a.s.t');
});
