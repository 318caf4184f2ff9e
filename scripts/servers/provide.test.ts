import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { openFolder } from '../../tests/support/folder.ts';
import { provideInCache } from './cache.mjs';
import { requireSha256 } from './fetch.mjs';
import { withLock } from './lock.mjs';
import { providePostgres } from './postgres.mjs';
import { provideTemporal } from './temporal.mjs';

const folder = openFolder('hf-provide-');
const before = { ...process.env };
let round = 0;

beforeEach(() => {
  round += 1;
  process.env['HOLDFAST_CACHE'] = join(folder.path, `cache-${String(round)}`);
  process.env['HOLDFAST_OFFLINE'] = '1';
});

afterEach(() => {
  process.env = { ...before };
});

afterAll(() => {
  folder.remove();
});

test('a missing server without network is refused with what to install', async () => {
  await expect(providePostgres(13)).rejects.toThrow(/HOLDFAST_OFFLINE=1 forbids.*HOLDFAST_PG13_BIN/s);
});

test('a server named by the environment is used, and must exist', async () => {
  process.env['HOLDFAST_TEMPORAL_BIN'] = process.execPath;
  expect(await provideTemporal()).toBe(process.execPath);
  process.env['HOLDFAST_TEMPORAL_BIN'] = join(folder.path, 'nowhere');
  await expect(provideTemporal()).rejects.toThrow('HOLDFAST_TEMPORAL_BIN names');
});

test('a fill that fails leaves nothing, and the next one works', async () => {
  const fail = provideInCache('x', '1', () => Promise.reject(new Error('no network')));
  await expect(fail).rejects.toThrow('no network');
  expect(readdirSync(join(process.env['HOLDFAST_CACHE'] ?? '', 'x'))).toEqual([]);
  const filled = await provideInCache('x', '1', (place) => {
    writeFileSync(join(place, 'program'), 'x', { mode: 0o700 });
    return Promise.resolve();
  });
  expect(statSync(join(filled, 'program')).mode & 0o777).toBe(0o755);
});

test('of several that want a server at once, one fetches it', async () => {
  let fills = 0;
  const want = (): Promise<string> =>
    provideInCache('y', '1', () => {
      fills += 1;
      return Promise.resolve();
    });
  expect(new Set(await Promise.all([want(), want(), want()])).size).toBe(1);
  expect(fills).toBe(1);
});

test('a file with other content than the pinned is refused', async () => {
  const path = join(folder.path, 'wheel');
  writeFileSync(path, 'other');
  await expect(requireSha256(path, 'a'.repeat(64))).rejects.toThrow('refused');
});

test('the lock of a dead process is broken', async () => {
  const path = join(folder.path, 'lock');
  const dead = spawnSync('/bin/true').pid;
  mkdirSync(path);
  writeFileSync(join(path, 'pid'), String(dead));
  expect(await withLock(path, () => Promise.resolve(readFileSync(join(path, 'pid'), 'utf8')))).toBe(
    String(process.pid),
  );
  expect(existsSync(path)).toBe(false);
});
