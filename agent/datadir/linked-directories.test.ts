import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linkedDirectories, refuseLinked } from './linked-directories.ts';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-links-'));
  data = join(folder, 'data');
  for (const name of ['global', 'base/1', 'pg_tblspc', '../log', '../space'])
    mkdirSync(join(data, name), { recursive: true });
  writeFileSync(join(data, 'PG_VERSION'), '18\n');
  writeFileSync(join(folder, 'a.conf'), '');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('links to directories are found, those that lead nowhere too; links of tablespaces and to files are none', () => {
  symlinkSync('../space', join(data, 'pg_tblspc', '16385'));
  symlinkSync(join(folder, 'a.conf'), join(data, 'postgresql.conf'));
  expect(linkedDirectories(data)).toEqual([]);
  refuseLinked(data);
  symlinkSync('../log', join(data, 'pg_wal'));
  symlinkSync(join(folder, 'not-mounted'), join(data, 'base', '5'));
  expect(linkedDirectories(data)).toEqual([`base/5 -> ${join(folder, 'not-mounted')}`, 'pg_wal -> ../log']);
  expect(() => {
    refuseLinked(data);
  }).toThrow(expect.objectContaining({ code: 'place_linked' }));
  expect(linkedDirectories(join(folder, 'nothing'))).toEqual([]);
});
