import { expect, test } from 'vitest';
import { proseOf } from './prose.ts';

test('bench makes the same prose in every run, in whole blocks', () => {
  const [a, b] = [proseOf(4096), proseOf(4096)];
  expect(a()).toEqual(b());
  expect(a()).toHaveLength(4096);
  expect(a()).not.toEqual(proseOf(4096)());
});
