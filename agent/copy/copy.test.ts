import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { CopyFixture } from '#tests/support/copy.ts';
import { openCopyFixture, sourceFiles } from '#tests/support/copy.ts';
import type { Major } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { absoluteOf } from './copy-request.ts';

const open: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function fixtureFor(options: { isEncrypted?: boolean } = {}): Promise<CopyFixture> {
  const fixture = await openCopyFixture(options);
  open.push(() => {
    fixture.close();
  });
  return fixture;
}

/** A closed cluster with a table of several extents and a zeroed stretch. */
async function closedCluster(major: Major): Promise<string> {
  const postgres = await openPostgres({ major });
  open.push(() => postgres.close());
  await postgres.sql(
    'create table big as select n, md5(n::text) || md5((n+1)::text) as t from generate_series(1, 60000) n',
  );
  await postgres.sql('create index on big (n)');
  await postgres.stop();
  return postgres.dataDirectory;
}

for (const major of [15, 18] as const) {
  test(`K-047 copies every file of a closed PostgreSQL ${String(major)} cluster so that it reads back equal`, async () => {
    const directory = await closedCluster(major);
    const fixture = await fixtureFor({ isEncrypted: major === 18 });
    const files = sourceFiles(directory);
    const result = await fixture.copy(files);
    expect(result.damagedPages).toEqual([]);
    expect(result.vanished).toEqual([]);
    expect([...result.members].map(({ path }) => path).sort()).toEqual(files.map(({ path }) => path).sort());
    for (const { path, ...file } of files)
      expect(fixture.read(result, path).equals(readFileSync(absoluteOf({ ...file, path }))), path).toBe(true);
    expect(result.bytesSent).toBe(result.pieces.reduce((sum, piece) => sum + piece.storedBytes, 0));
    expect(fixture.acknowledged.map(({ piece }) => piece)).toEqual(result.pieces);
  });
}
