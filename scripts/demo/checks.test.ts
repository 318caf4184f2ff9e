import { expect, test } from 'vitest';
import { CheckBook, checkNames } from './checks.ts';

const pass = (book: CheckBook, names: readonly (typeof checkNames)[number][]): void => {
  for (const name of names) book.compare(name, { n: [1] }, { n: [1] }, 'the same');
};

test('a book of checks is good only when every check ran and held', () => {
  const book = new CheckBook();
  pass(book, checkNames.slice(1));
  expect(book.isOk).toBe(false);
  expect(book.all()[0]).toEqual({ name: checkNames[0], ok: false, detail: 'did not run' });
  pass(book, checkNames);
  expect(book.isOk).toBe(true);
});

test('a check that failed once stays failed, and shows what it expected and found', () => {
  const book = new CheckBook();
  book.compare('sets-verify', ['a'], ['b'], 'objects');
  pass(book, checkNames);
  expect(book.isOk).toBe(false);
  expect(book.all().filter(({ ok }) => !ok)).toEqual([
    { name: 'sets-verify', ok: false, detail: 'objects: expected ["a"], found ["b"]' },
  ]);
});
