import { expect, test } from 'vitest';
import { isSelected, isWhole, selectionText, wholeDatabase } from './selection.ts';
import { withRecordedParts } from './set-summary.ts';

const orders = { schema: 'public', table: 'orders' };

test('K-050 what is excluded wins over what is chosen, and a partition follows the tables above it', () => {
  const whole = { ...wholeDatabase('shop'), excludeSchemas: ['old'], excludeTables: [orders] };
  expect(isSelected(whole, { schema: 'public', table: 'lines' })).toBe(true);
  expect(isSelected(whole, orders)).toBe(false);
  expect(isSelected(whole, { schema: 'old', table: 'lines' })).toBe(false);
  expect(isSelected(whole, { schema: 'public', table: 'orders_1' }, [orders])).toBe(false);
  const one = { ...wholeDatabase('shop'), tables: [orders] };
  expect(
    isSelected(one, { schema: 'parts', table: 'orders_1' }, [{ schema: 'parts', table: 'orders_x' }, orders]),
  ).toBe(true);
  expect(isSelected(one, { schema: 'public', table: 'lines' })).toBe(false);
  const schema = { ...wholeDatabase('shop'), schemas: ['public'] };
  expect(isSelected(schema, orders)).toBe(true);
  expect(isSelected(schema, { schema: 'parts', table: 'orders_1' }, [orders])).toBe(true);
  expect(isSelected(schema, { schema: 'Public', table: 'orders' })).toBe(false);
});

test('K-072 a selection is told in words that stay short', () => {
  expect(selectionText({ of: 'all' })).toBe('all databases');
  const tables = ['a', 'b', 'c', 'd', 'e'].map((table) => ({ schema: 's', table }));
  const databases = [wholeDatabase('one'), { ...wholeDatabase('two'), tables, excludeSchemas: ['x'] }];
  expect(selectionText({ of: 'chosen', databases })).toBe('one, two (s.a, s.b, s.c and 2 more) without x.*');
});

test('K-090 a database of which anything is left out is not whole', () => {
  expect(isWhole(wholeDatabase('shop'))).toBe(true);
  expect(isWhole({ ...wholeDatabase('shop'), excludeSchemas: ['old'] })).toBe(false);
  expect(isWhole({ ...wholeDatabase('shop'), excludeTables: [orders] })).toBe(false);
  expect(isWhole({ ...wholeDatabase('shop'), tables: [orders] })).toBe(false);
});

test('K-090 what was left out of a set by its selection makes it a part, whatever an early version recorded', () => {
  const recorded = ['shop', 'crm', 'part'].map((name) => ({ name, isWhole: name !== 'part' }));
  const selection = {
    of: 'chosen' as const,
    databases: [{ ...wholeDatabase('shop'), excludeTables: [orders] }, wholeDatabase('crm'), wholeDatabase('part')],
  };
  const found = (of: Parameters<typeof withRecordedParts>[0]) =>
    withRecordedParts(of, recorded).map((one) => one.isWhole);
  expect(found(selection)).toEqual([false, true, false]);
  expect(found({ of: 'all' })).toEqual([true, true, false]);
});
