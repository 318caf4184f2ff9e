import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demandNewFile, readTypedFile, writeNewFile } from './typed-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-typed-'));
});
afterAll(() => rm(folder, { recursive: true }));

const refusal = (code: string, option: string, file: string) => ({ code, class: 'input', params: { option, file } });

test('a file that is typed and not there is a mistake of the line, by option and path', async () => {
  const file = join(folder, 'missing');
  await expect(readTypedFile({ option: '--passphrase-file', file })).rejects.toMatchObject(
    refusal('file_unreadable', '--passphrase-file', file),
  );
  await expect(readTypedFile({ option: '--key', file: folder })).rejects.toMatchObject(
    refusal('file_unreadable', '--key', folder),
  );
});

test('a file that is there is never replaced, and a missing folder is told of before anything is done', async () => {
  const old = { option: '--out', file: join(folder, 'old') };
  await writeFile(old.file, 'first');
  await expect(demandNewFile(old)).rejects.toMatchObject(refusal('file_exists', '--out', old.file));
  await expect(writeNewFile(old, 'second', 0o644)).rejects.toMatchObject(refusal('file_exists', '--out', old.file));
  expect(await readFile(old.file, 'utf8')).toBe('first');
  const lost = { option: '--kit', file: join(folder, 'nowhere', 'kit') };
  await expect(demandNewFile(lost)).rejects.toMatchObject(refusal('file_not_made', '--kit', lost.file));
  await expect(writeNewFile(lost, 'kit', 0o600)).rejects.toMatchObject(refusal('file_not_made', '--kit', lost.file));
  const fresh = { option: '--output', file: join(folder, 'fresh') };
  await demandNewFile(fresh);
  await writeNewFile(fresh, 'kit', 0o600);
  expect(await readFile(fresh.file, 'utf8')).toBe('kit');
});
