import { expect, test } from 'vitest';
import { nearNames } from './near-names.ts';

test('a name that is not there finds those that are written alike, the nearest first', () => {
  expect(nearNames(['shop', 'crm', 'billing'], 'shpo')).toEqual(['shop']);
  expect(nearNames(['orders', 'billing', 'order_items'], 'ordres')).toEqual(['orders']);
  expect(nearNames(['Shop', 'shops', 'crm'], 'shop')).toEqual(['Shop', 'shops']);
  expect(nearNames(['main-database', 'other'], 'main')).toEqual(['main-database']);
  expect(nearNames(['a', 'b'], '')).toEqual([]);
});

test('a table finds its name in another schema', () => {
  expect(nearNames(['sales.orders', 'public.lines'], 'public.orders')).toEqual(['sales.orders']);
});

test('names that are far are not offered, and at most three are', () => {
  expect(nearNames(['alpha', 'beta'], 'nope')).toEqual([]);
  expect(nearNames(['app1', 'app2', 'app3', 'app4'], 'app')).toEqual(['app1', 'app2', 'app3']);
});
