import { expect, test } from 'vitest';
import { selectionOf } from './logical-backup.ts';

const nothing = {
  ...{ allDatabases: false, database: [], schema: [], table: [] },
  ...{ excludeSchema: [], excludeTable: [] },
};

test('K-050 names on the command line are gathered by database, quotes hold dots', () => {
  const typed = { ...nothing, database: ['shop'], schema: ['crm.public'], table: ['crm."a.b"."say ""hi"""'] };
  expect(selectionOf({ ...typed, excludeTable: ['shop.public.log'] })).toEqual({
    of: 'chosen',
    databases: [
      {
        ...{ database: 'shop', schemas: [], tables: [], excludeSchemas: [] },
        excludeTables: [{ schema: 'public', table: 'log' }],
      },
      {
        ...{ database: 'crm', schemas: ['public'], excludeSchemas: [], excludeTables: [] },
        tables: [{ schema: 'a.b', table: 'say "hi"' }],
      },
    ],
  });
  expect(selectionOf({ ...nothing, allDatabases: true })).toEqual({ of: 'all' });
});

test('K-050 a selection that says nothing, both or a half name is refused', () => {
  const wrong = [
    nothing,
    { ...nothing, allDatabases: true, database: ['shop'] },
    { ...nothing, schema: ['public'] },
    { ...nothing, table: ['shop.public'] },
    { ...nothing, table: ['shop..orders'] },
    { ...nothing, table: ['shop."public.orders'] },
  ];
  for (const each of wrong)
    expect(() => selectionOf(each)).toThrow(expect.objectContaining({ code: 'value_malformed' }));
});
