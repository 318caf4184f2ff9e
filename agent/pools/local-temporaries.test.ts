import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectTemporaries } from './local-temporaries.ts';

test('half-written files of a killed writer are collected; young ones and objects stay', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-temporaries-'));
  try {
    const below = join(directory, 'sets', 'one');
    mkdirSync(below, { recursive: true });
    const old = join(below, '.tmp-0123456789abcdef01');
    const young = join(directory, '.tmp-ffffffffffffffffff');
    const object = join(below, 'meta');
    for (const path of [old, young, object]) writeFileSync(path, 'seven b');
    for (const path of [old, object]) utimesSync(path, 1000, 1000);
    const ground = { directory, pool: 'p' };
    const found = { objects: 1, bytes: 7 };
    expect(await collectTemporaries(ground, { beforeMs: 2_000_000, isDryRun: true })).toEqual(found);
    expect(existsSync(old)).toBe(true);
    expect(await collectTemporaries(ground, { beforeMs: 2_000_000, isDryRun: false })).toEqual(found);
    expect([old, young, object].map((path) => existsSync(path))).toEqual([false, true, true]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
