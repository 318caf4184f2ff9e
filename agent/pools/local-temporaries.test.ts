import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { collectTemporaries } from './local-temporaries.ts';

test('half-written files of a killed writer are collected; young ones, objects and what is not of the pool stay', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-temporaries-'));
  try {
    const below = join(directory, 'sets', 'one');
    mkdirSync(below, { recursive: true });
    const foreign = join(directory, 'lost+found', '.tmp-0123456789abcdef02');
    mkdirSync(dirname(foreign));
    const old = join(below, '.tmp-0123456789abcdef01');
    const young = join(directory, '.tmp-ffffffffffffffffff');
    const object = join(below, 'meta');
    for (const path of [old, young, object, foreign]) writeFileSync(path, 'seven b');
    for (const path of [old, object, foreign]) utimesSync(path, 1000, 1000);
    const ground = { directory, pool: 'p' };
    const asked = { beforeMs: 2_000_000, step: { signal: new AbortController().signal, limits: () => ({}) } };
    const found = { objects: 1, bytes: 7 };
    expect(await collectTemporaries(ground, { ...asked, isDryRun: true })).toEqual(found);
    expect(existsSync(old)).toBe(true);
    expect(await collectTemporaries(ground, { ...asked, isDryRun: false })).toEqual(found);
    expect([old, young, object, foreign].map((path) => existsSync(path))).toEqual([false, true, true, true]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
