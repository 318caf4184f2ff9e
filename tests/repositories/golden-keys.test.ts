import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMarks } from '#agent/care/marks.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { openFolder } from '#tests/support/folder.ts';
import { localAccess, nextPassphrase } from './pools.ts';
import { lastFiles, lastIds } from './tiny-chain.ts';

const golden = (is: string): string => fileURLToPath(new URL(is, import.meta.url));
const reader = fileURLToPath(new URL('../../docs/format-reader/read-set.mjs', import.meta.url));
const folder = openFolder('hf-golden-keys-');
const directory = join(folder.path, 'pool');

beforeAll(() => {
  for (const is of ['v2/encrypted', 'keys-v1']) cpSync(golden(is), directory, { recursive: true });
});
afterAll(() => {
  folder.remove();
});

test('the golden pool with a rotated key opens with the new passphrase and gives back what both keys sealed', async () => {
  const access = localAccess(directory, true);
  await expect(openPool(access)).rejects.toMatchObject({ code: 'passphrase_old' });
  const pool = await openPool({ ...access, secrets: { passphrase: nextPassphrase } });
  const set = await openSet(pool, lastIds.setId);
  for (const [path, content] of Object.entries(lastFiles))
    expect(Buffer.compare(await set.readMember(path), content), path).toBe(0);
  expect(await readMarks(pool, lastIds.setId)).toMatchObject({ marks: [{ text: 'sealed under key 2' }], unreadable: [] });
  await pool.close();
});

test('the reference reader restores from it', () => {
  const [file, target] = [join(folder.path, 'passphrase'), join(folder.path, 'data')];
  writeFileSync(file, `${nextPassphrase}\n`);
  execFileSync(process.execPath, [reader, directory, lastIds.setId, target, file]);
  for (const [path, content] of Object.entries(lastFiles))
    expect(Buffer.compare(readFileSync(join(target, path)), content), path).toBe(0);
});
