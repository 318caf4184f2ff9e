import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { postgresql } from '#core/engine/postgresql.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { lookAtPlace } from '#agent/restore/place/look-at-place.ts';
import { newTestId } from '#tests/support/backup.ts';
import { openFolder } from '#tests/support/folder.ts';
import { contentOf } from '#tests/support/platform.ts';
import type { TargetRequest } from './writer.ts';
import { prepareTarget } from './writer.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const inUse = (holder: string): Error =>
  expect.objectContaining({ code: 'place_in_use', params: expect.objectContaining({ holder }) as unknown }) as Error;
let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

/** Writes files below the folder, with the directories that they need. */
function plant(...files: string[]): void {
  for (const file of files) {
    mkdirSync(at(file, '..'), { recursive: true });
    writeFileSync(at(file), '');
  }
}
const restoreTo = (directory: string, changes: Partial<TargetRequest> = {}): unknown =>
  prepareTarget({
    ...{ directory, files: postgresql.files, tablespaces: {}, runId: newTestId('run'), owner, bytes: {} },
    ...changes,
  });
const poolAt = (directory: string, logDirectories: readonly string[] = []): Promise<void> => {
  const access = {
    poolId: newTestId('pool'),
    name: 'vault',
    secrets: {},
    place: { kind: 'local' as const, directory },
  };
  return createPool(access, { nowMs: () => 0 }, logDirectories);
};

beforeEach(() => {
  const opened = openFolder('hf-ground-');
  folder = opened.path;
  onTestFinished(() => {
    opened.remove();
  });
});

test.each([
  ['data directory', ['holder/PG_VERSION', 'holder/global/pg_control']],
  ['data directory of KingbaseES', ['holder/SYS_VERSION', 'holder/global/sys_control']],
  ['data directory without its control file', ['holder/PG_VERSION', 'holder/base/1/1259']],
  ['tablespace', ['holder/PG_15_202209061/5/1259']],
  ['archive directory', ['holder/0000000100000000000000A1']],
  ['archive directory of compressed log', ['holder/0000000100000000000000A1.gz']],
  ['pool', ['holder/holdfast.json']],
  ['place that an unfinished restore writes', ['holder/.holdfast-restore']],
])('K-098 K-119 nothing is restored and no pool is created inside a %s', async (_, files) => {
  plant(...files);
  mkdirSync(at('holder', 'empty'));
  const before = contentOf(folder);
  for (const place of [at('holder', 'new'), at('holder', 'empty'), at('holder', 'several', 'levels')]) {
    expect(() => restoreTo(place)).toThrow(inUse(at('holder')));
    expect(() => restoreTo(at('copy'), { tablespaces: { 16384: place } })).toThrow(inUse(at('holder')));
    await expect(poolAt(place)).rejects.toThrow(inUse(at('holder')));
    const look = lookAtPlace({
      ...{ kind: 'place', isCopy: true, directory: place, tablespaces: [], bytes: 1, systemId: '1' },
    });
    expect(look.map(({ verdict }) => verdict)).toEqual(['ok', 'fail', 'ok']);
  }
  expect([contentOf(folder), readdirSync(at('holder'))]).toEqual([before, expect.not.arrayContaining(['new'])]);
});

test('K-098 nothing is restored and no pool is created where an instance of the host keeps log, even while it is empty', async () => {
  mkdirSync(at('archive'));
  for (const place of [at('archive'), at('archive', 'copy')]) {
    expect(() => restoreTo(place, { logDirectories: [at('archive')] })).toThrow(inUse(at('archive')));
    await expect(poolAt(place, [at('archive')])).rejects.toThrow(inUse(at('archive')));
  }
  expect(readdirSync(at('archive'))).toEqual([]);
});

test('a place beside data directories, archives and pools is free, and a pool may be created twice', async () => {
  plant('data/PG_VERSION', 'data/global/pg_control', 'archive/0000000100000000000000A1');
  const access = {
    poolId: newTestId('pool'),
    ...{ name: 'vault', secrets: {}, place: { kind: 'local' as const, directory: at('pool') } },
  };
  for (const time of [1, 2]) await createPool(access, { nowMs: () => time });
  restoreTo(at('copy'));
  expect(readdirSync(folder).sort()).toEqual(['archive', 'copy', 'data', 'pool']);
});

test('a pool is not created where the directory above is missing: a mistyped path or a disk that is not mounted', async () => {
  await expect(poolAt(at('mistyped', 'pool'))).rejects.toMatchObject({ code: 'pool_parent_missing' });
  expect(readdirSync(folder)).toEqual([]);
  await poolAt(at('pool'));
  expect(readdirSync(folder)).toEqual(['pool']);
});
