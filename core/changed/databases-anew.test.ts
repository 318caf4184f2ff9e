import { expect, test } from 'vitest';
import { databasesAnew } from './databases-anew.ts';

test('K-048 a database whose version file is not the one of the base was made anew; the version of the cluster says nothing', () => {
  const file = (path: string, mtimeMs: number) => ({ path, mtimeMs });
  const now = [
    file('PG_VERSION', 9),
    file('base/5/PG_VERSION', 1),
    file('base/6/PG_VERSION', 9),
    file('base/7/PG_VERSION', 1),
    file('pg_tblspc/8/PG_15_1/5/PG_VERSION', 9),
    file('base/5/1259', 9),
  ];
  const base = new Map(now.filter(({ path }) => !path.startsWith('base/7/')).map(({ path }) => [path, 1]));
  const anew = databasesAnew(now, 'PG_VERSION', (path) => base.get(path));
  expect([...anew]).toEqual(['base/6', 'base/7', 'pg_tblspc/8/PG_15_1/5']);
});
