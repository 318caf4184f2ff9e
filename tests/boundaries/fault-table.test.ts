import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('every test that the table of faults names exists under that title', () => {
  const text = read('docs/evidence/faults.md');
  const named = [...text.matchAll(/`([^`]+[.]test[.]ts)`: “([^”]+)”/g)];
  expect(named.length).toBeGreaterThan(30);
  const missing = named.filter(([, path = '', title = '']) => !read(path).includes(title));
  expect(missing.map(([cell]) => cell)).toEqual([]);
});
