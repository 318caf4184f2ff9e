import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { readAsOwner } from './read-as-owner.ts';

const isRoot = process.getuid?.() === 0;
const owner = isRoot ? { uid: 65533, gid: 65533 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const bad = expect.objectContaining({ code: 'config_file_bad' }) as Error;

function openPlaces(): (...names: string[]) => string {
  const folder = openFolder('hf-config-');
  onTestFinished(() => {
    folder.remove();
  });
  return (...names) => join(folder.path, ...names);
}

test('K-110 a chosen configuration file is read when the owner of the database may read it, also through a link', () => {
  const at = openPlaces();
  writeFileSync(at('chosen.conf'), 'port = 1', { mode: 0o644 });
  symlinkSync(at('chosen.conf'), at('link.conf'));
  expect([readAsOwner(at('chosen.conf'), owner), readAsOwner(at('link.conf'), owner)]).toEqual([
    'port = 1',
    'port = 1',
  ]);
});

test.runIf(isRoot)('K-110 root gives the owner of a database no file that this account may not read itself', () => {
  const at = openPlaces();
  writeFileSync(at('secret'), 'secret', { mode: 0o600 });
  mkdirSync(at('closed'));
  writeFileSync(at('closed', 'open.conf'), 'secret', { mode: 0o644 });
  chmodSync(at('closed'), 0o700);
  symlinkSync(at('closed'), at('way'));
  symlinkSync(at('secret'), at('link.conf'));
  for (const path of [at('secret'), at('link.conf'), at('closed', 'open.conf'), at('way', 'open.conf')])
    expect(() => readAsOwner(path, owner)).toThrow(bad);
});

test('K-110 what is no file is no configuration file', () => {
  const at = openPlaces();
  for (const path of [at(), at('nothing'), '/dev/null']) expect(() => readAsOwner(path, owner)).toThrow(bad);
});
