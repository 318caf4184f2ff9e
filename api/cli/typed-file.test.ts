import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { demandNewFile, readTypedFile, readTypedJson, writeNewFile } from './typed-file.ts';

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

test('a JSON file that is empty, broken or of another form is a mistake of the line, with the place in it', async () => {
  const shape = z.array(z.object({ name: z.string() }));
  const read = async (text: string) => {
    const file = join(folder, 'checks.json');
    await writeFile(file, text);
    return readTypedJson({ option: '--sql-file', file }, shape).catch((error: unknown) => String(error));
  };
  expect(await read('[{"name": "a"}]')).toEqual([{ name: 'a' }]);
  expect(await read(' \n')).toMatch(/--sql-file cannot be used: .*checks\.json: it is empty/);
  expect(await read('[{"name": ')).toMatch(/it is no JSON: /);
  expect(await read('{}')).toMatch(/: it must be a list$/);
  expect(await read('[{"name": "a"}, {}]')).toMatch(/at 1\.name: it is missing$/);
});
