import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directoryAbove, placeKey, plainPath } from './plain-path.ts';

test('one place has one key, however its path is typed', () => {
  for (const typed of ['/data/a', '/data/a/', '/data/./a', '//data///a/.', '/data/b/../a', '/../data/a'])
    expect(placeKey(typed), typed).toBe('/data/a');
  expect([placeKey('/'), placeKey('/..'), placeKey('/data/a b')]).toEqual(['/', '/', '/data/a b']);
});

test('a plain path keeps what a link may give a meaning', () => {
  expect([plainPath('/data/link/../a/'), plainPath('/'), plainPath('//')]).toEqual(['/data/link/../a', '/', '/']);
});

test('the directory above a path is all before its last slash', () => {
  const paths = ['base/6/1259', '/data/a', 'PG_VERSION', '/data'];
  expect(paths.map(directoryAbove)).toEqual(['base/6', '/data', '', '']);
});

test('what is plain stays as it is', () => {
  const part = fc.constantFrom('a', '.', '..', '', 'data', '...', ' ');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const path = `/${parts.join('/')}`;
      expect(plainPath(plainPath(path))).toBe(plainPath(path));
      expect(placeKey(placeKey(path))).toBe(placeKey(path));
      expect(placeKey(plainPath(path))).toBe(placeKey(path));
      expect(placeKey(path)).not.toMatch(/\/\/|\/\.\.?(\/|$)|.\/$/);
    }),
  );
});
