import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canMount, mount, unmount } from '#tests/support/mount.ts';
import { foreignWithin } from './foreign.ts';
import { liesWithin } from './nested.ts';

let folder: string;
let data: string;

const write = (path: string, text = ''): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const cluster = (directory: string): void => {
  for (const name of ['PG_VERSION', 'global/pg_control', 'base/5/PG_VERSION', 'pg_wal/0001'])
    write(join(directory, name));
};

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hf-ground-')));
  data = join(folder, 'data');
  cluster(data);
  write(join(data, 'postmaster.pid'), `${String(process.pid)}\n`);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('K-105 a data directory with tablespaces of its own, and links that lead out of it, hold nothing of others', () => {
  cluster(join(folder, 'linked'));
  symlinkSync(join(folder, 'linked'), join(data, 'link'));
  write(join(data, 'pg_tblspc', '16385', 'PG_15_202209061', '5', 'PG_VERSION'));
  write(join(data, 'inside', 'PG_15_202209061', '5', 'PG_VERSION'));
  symlinkSync(join(data, 'inside'), join(data, 'pg_tblspc', '16386'));
  expect(foreignWithin(data, 'none')).toBeUndefined();
  expect(foreignWithin(join(folder, 'absent'), 'none')).toBeUndefined();
});

test('K-105 whatever is not of a directory is found below it at any depth: instances, tablespaces, servers, pools, agents', () => {
  const there = join(data, 'base', '5', 'deep');
  const cases: readonly (readonly [file: string, text: string, found: string])[] = [
    ['PG_VERSION', '', ''],
    ['PG_15_202209061/5/1259', '', `a tablespace in ${there}`],
    ['postmaster.pid', `${String(process.pid)}\n`, `a server (process ${String(process.pid)}) in ${there}`],
    ['postmaster.pid', '999999999\n', ''],
    ['holdfast.json', '{}', `a pool in ${there}`],
    ['host.json', '{}', `the home of an agent in ${there}`],
  ];
  for (const [file, text, found] of cases) {
    write(join(there, file), text);
    expect(foreignWithin(data, 'none') ?? '').toBe(found);
    rmSync(there, { recursive: true });
  }
  cluster(there);
  expect(foreignWithin(data, 'any')).toBe(`a data directory in ${there}`);
});

test('K-105 a directory lies inside another one by its real path, through links, and before it exists', () => {
  symlinkSync(data, join(folder, 'alias'));
  expect(liesWithin(join(folder, 'alias', 'base'), data)).toBe(true);
  expect(liesWithin(join(data, 'not', 'yet'), join(folder, 'alias'))).toBe(true);
  expect(liesWithin(data, data)).toBe(false);
  expect(liesWithin(`${data}-other`, data)).toBe(false);
  expect(liesWithin(data, join(data, 'base'))).toBe(false);
});

test.skipIf(!canMount)(
  'K-105 a bind mount hides neither that one directory lies inside another one, nor itself',
  () => {
    const [outside, wal] = [join(folder, 'outside'), join(data, 'pg_wal')];
    mkdirSync(outside);
    const under = join(data, 'base', 'other');
    mkdirSync(under);
    expect(mount('--bind', under, outside)).toBe(true);
    try {
      expect([liesWithin(outside, data), liesWithin(data, outside)]).toEqual([true, false]);
      expect(foreignWithin(data, 'none')).toBeUndefined();
    } finally {
      unmount(outside);
    }
    expect(mount('--bind', outside, wal)).toBe(true);
    try {
      const found = (['none', 'parts', 'any'] as const).map((mounts) => foreignWithin(data, mounts));
      expect(found).toEqual([`a mount point in ${wal}`, undefined, undefined]);
      // Renamed, it takes its mounts along.
      renameSync(data, `${data}.before`);
      expect(foreignWithin(`${data}.before`, 'none')).toBe(`a mount point in ${join(`${data}.before`, 'pg_wal')}`);
      renameSync(`${data}.before`, data);
    } finally {
      unmount(wal);
    }
  },
);

test('below a file nothing lies, and a link to a directory is looked into', () => {
  write(join(folder, '.mark'));
  expect(foreignWithin(join(folder, '.mark'), 'none')).toBeUndefined();
  expect(foreignWithin(join(folder, 'absent'), 'none')).toBeUndefined();
  const other = join(data, 'other');
  cluster(other);
  symlinkSync(data, join(folder, 'link'));
  expect(foreignWithin(join(folder, 'link'), 'none')).toContain(other);
});
