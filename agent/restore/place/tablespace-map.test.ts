import { expect, test } from 'vitest';
import { rewriteTablespaceMap } from './tablespace-map.ts';

test('every tablespace of the map gets its new place, whatever the old path looked like', () => {
  const text = '16384 /srv/sp ace\n16385 /srv/back\\\\slash\n16386 /srv/line\\\nfeed\n';
  expect(rewriteTablespaceMap(text, { 16384: '/new/a b', 16385: '/new/b', 16386: '/new/c' })).toBe(
    '16384 /new/a b\n16385 /new/b\n16386 /new/c\n',
  );
});
test('a tablespace without a new place is refused: the server would use the original directory', () => {
  expect(() => rewriteTablespaceMap('16384 /srv/a\n', {})).toThrow(/no new place/);
});
test('an empty map stays empty', () => {
  expect(rewriteTablespaceMap('', {})).toBe('');
});
