import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { postgresql } from '#core/engine/postgresql.ts';
import { directoriesOf, externalConfiguration } from './configuration.ts';
import { scanDataDirectory } from './scan.ts';
import type { DataDirectoryScan } from './scan.ts';

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-scan-'));
  root = join(folder, 'data');
  for (const path of ['base/5', 'global', 'pg_tblspc', 'pg_wal/archive_status'])
    mkdirSync(join(root, path), { recursive: true });
  write('PG_VERSION', 'global/pg_control', 'global/1262', 'base/5/PG_VERSION', 'base/5/16384');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (...paths: string[]): void => {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'content');
  }
};
const scan = (): DataDirectoryScan =>
  scanDataDirectory({
    profile: postgresql,
    dataDirectory: root,
    major: 15,
    catalogVersion: 202209061,
    pagesPerFile: 131072,
    hasChecksums: true,
  });
const filePaths = (): string[] =>
  scan()
    .files.map(({ path }) => path)
    .sort();
const directoryPaths = (): string[] =>
  scan()
    .directories.map(({ path }) => path)
    .sort();

test('copies what it does not know, keeps empty directories and leaves the control file to the end', () => {
  mkdirSync(join(root, 'extension/empty'), { recursive: true });
  write('extension/state.bin', 'base/5/strange-file');
  expect(filePaths()).toEqual([
    'PG_VERSION',
    'base/5/16384',
    'base/5/PG_VERSION',
    'base/5/strange-file',
    'extension/state.bin',
    'global/1262',
  ]);
  expect(directoryPaths()).toEqual([
    'base',
    'base/5',
    'extension',
    'extension/empty',
    'global',
    'pg_tblspc',
    'pg_wal',
    'pg_wal/archive_status',
  ]);
});

test('leaves out what belongs to the running server or to an earlier restore', () => {
  write(
    'postmaster.pid',
    'postmaster.opts',
    'backup_label',
    'tablespace_map.old',
    'recovery.signal',
    'standby.signal',
    'backup_manifest',
  );
  write(
    'postgresql.auto.conf.tmp',
    'current_logfiles.tmp',
    'base/5/pg_internal.init',
    'base/5/pg_internal.init.123',
    'base/pgsql_tmp/pgsql_tmp1.1',
    '.s.PGSQL.5432.lock',
  );
  write(
    'pg_wal/000000010000000000000001',
    'pg_wal/archive_status/x.ready',
    'pg_replslot/slot/state',
    'pg_stat_tmp/global.stat',
    'pg_notify/0000',
  );
  expect(filePaths()).toEqual(['PG_VERSION', 'base/5/16384', 'base/5/PG_VERSION', 'global/1262']);
  expect(directoryPaths()).toContain('pg_replslot');
  expect(directoryPaths()).not.toContain('pg_replslot/slot');
});

test('checks pages of relation forks only, counting from the first page of the file', () => {
  write('base/5/16384.2', 'base/5/16384_fsm', 'base/5/16385_init', 'base/5/pg_filenode.map', 'pg_xact/0000');
  const pages = scan()
    .files.filter((file) => file.pages !== undefined)
    .map(({ path, pages: at }) => [path, at?.firstBlock]);
  expect(pages.sort()).toEqual([
    ['base/5/16384', 0],
    ['base/5/16384.2', 262144],
    ['base/5/16384_fsm', 0],
    ['base/5/16385_init', 0],
    ['global/1262', 0],
  ]);
});

test('copies a tablespace once, of its own version only, also when it lies inside the data directory', () => {
  const inside = join(root, 'my_space');
  write(
    'my_space/PG_15_202209061/5/20000',
    'my_space/PG_15_202209061/5/20001_init',
    'my_space/PG_15_202209061/5/20001',
    'my_space/PG_14_202107181/5/30000',
  );
  symlinkSync(inside, join(root, 'pg_tblspc/16400'));
  const { files, symlinks, tablespaces } = scan();
  expect(
    files
      .map(({ path }) => path)
      .filter((path) => path.includes('space') || path.includes('tblspc'))
      .sort(),
  ).toEqual(['pg_tblspc/16400/PG_15_202209061/5/20000', 'pg_tblspc/16400/PG_15_202209061/5/20001_init']);
  expect(symlinks).toEqual([{ kind: 'symlink', path: 'pg_tblspc/16400', target: inside }]);
  expect(tablespaces).toEqual([{ oid: 16400, path: inside }]);
});

test('refuses anything in pg_tblspc but links to real directories', () => {
  const invalid = (plant: () => void): void => {
    plant();
    expect(scan).toThrow(expect.objectContaining({ code: 'tablespace_invalid' }));
    rmSync(join(root, 'pg_tblspc'), { recursive: true });
    mkdirSync(join(root, 'pg_tblspc'));
  };
  const place = join(root, 'pg_tblspc/16400');
  invalid(() => {
    mkdirSync(place);
  });
  invalid(() => {
    writeFileSync(place, '');
  });
  invalid(() => {
    symlinkSync('/nowhere', place);
  });
  invalid(() => {
    symlinkSync(folder, place);
  });
  invalid(() => {
    symlinkSync('../base', place);
  });
  symlinkSync(join(root, 'base'), join(folder, 'link'));
  invalid(() => {
    symlinkSync(join(folder, 'link'), place);
  });
});

test('takes pg_wal on another disk for a directory without its contents and follows other links once', () => {
  rmSync(join(root, 'pg_wal'), { recursive: true });
  mkdirSync(join(folder, 'wal/archive_status'), { recursive: true });
  writeFileSync(join(folder, 'wal/000000010000000000000001'), '');
  symlinkSync(join(folder, 'wal'), join(root, 'pg_wal'));
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'elsewhere/file'), 'x');
  symlinkSync(join(folder, 'elsewhere'), join(root, 'linked'));
  symlinkSync(root, join(folder, 'elsewhere/circle'));
  expect(filePaths().filter((path) => path.startsWith('linked') || path.startsWith('pg_wal'))).toEqual(['linked/file']);
  expect(directoryPaths()).toContain('pg_wal/archive_status');
});

test('configuration outside the data directory becomes members with their origin, never over a file of the directory', () => {
  for (const name of ['postgresql.conf', 'conf.d/memory.conf', 'pg_hba.conf']) {
    mkdirSync(dirname(join(folder, 'etc', name)), { recursive: true });
    writeFileSync(join(folder, 'etc', name), '');
  }
  writeFileSync(join(folder, 'site.conf'), '');
  const at = (name: string): string => join(folder, 'etc', name);
  const paths = {
    main: at('postgresql.conf'),
    hba: at('pg_hba.conf'),
    ident: join(root, 'pg_ident.conf'),
    included: [at('conf.d/memory.conf'), join(folder, 'site.conf')],
  };
  const files = externalConfiguration(root, paths, { taken: new Set(['pg_hba.conf']), files: postgresql.files });
  expect(directoriesOf(files, new Set(['base'])).sort()).toEqual(['conf.d', 'external_configuration']);
  expect(files.map(({ path, origin }) => [path, origin])).toEqual([
    ['postgresql.conf', at('postgresql.conf')],
    ['external_configuration/pg_hba.conf', at('pg_hba.conf')],
    ['conf.d/memory.conf', at('conf.d/memory.conf')],
    ['external_configuration/site.conf', join(folder, 'site.conf')],
  ]);
});

test('a directory that is no cluster is refused by name', () => {
  rmSync(join(root, 'pg_tblspc'), { recursive: true });
  expect(scan).toThrow(
    expect.objectContaining({
      code: 'data_directory_unreadable',
      params: expect.objectContaining({ directory: root }) as unknown,
    }),
  );
});
