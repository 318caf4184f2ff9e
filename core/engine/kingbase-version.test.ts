import { describe, expect, test } from 'vitest';
import { identifyKingbase, parseKingbaseVersion } from './kingbase-version.ts';

describe('versions of KingbaseES', () => {
  test.each([
    ['V7', 'V7'],
    ['V8R2', 'V8R2'],
    ['V8R3', 'V8R3'],
    ['V8R6', 'V8R6'],
    ['V8R7', 'V8R7'],
    ['7.1', 'V7'],
    ['8.2', 'V8R2'],
    ['8.3', 'V8R3'],
    ['8.6', 'V8R6'],
    ['8.7', 'V8R7'],
    ['V9', 'V9'],
    ['Kingbase V008R003C002B0340 on x86_64-unknown-linux-gnu, compiled by gcc', 'V8R3'],
    ['KingbaseES V008R006C005B0013 on x86_64-pc-linux-gnu, compiled by gcc (GCC) 4.1.2', 'V8R6'],
    ['KingbaseES V008R006C008B0020PS065', 'V8R6'],
    ['KingbaseES V008R007C003B0070', 'V8R7'],
    ['KingbaseES V009R001C001B0024', 'V9'],
    ['V009R004C014PS004 - 12.1', 'V9'],
    ['/KingbaseES/V8/KESRealPro/V008R006C006B0013/Server/bin/kingbase', 'V8R6'],
    ['/opt/Kingbase/ES/V9/Server/bin/kingbase "-D" "/data"', 'V9'],
    ['tablespace SYS_V008R002_201608131', undefined],
  ] as const)('K-014 %j is release %s', (text, release) => {
    expect(parseKingbaseVersion(text)?.release).toBe(release);
  });

  test('K-014 V8 alone names no release: it is never guessed', () => {
    expect(parseKingbaseVersion('KingbaseES V8')).toEqual({ build: 'V8', release: undefined });
    expect(identifyKingbase('KingbaseES V8')).toMatchObject({ refusal: 'engine_unknown' });
  });

  test.each([
    ['KingbaseES V008R006B01171628 on x86_64-pc-linux-gnu', 'engine_build_blocked'],
    ['KingbaseES V008R006B01171628PS001 on x86_64', 'engine_build_blocked'],
    ['KingbaseES V007R001C002B0120 on x86_64', 'engine_storage_foreign'],
    ['KingbaseES V008R002C001 on x86_64', 'engine_release_unproven'],
    ['KingbaseES V010R001C001 on x86_64', 'engine_unknown'],
    ['PostgreSQL 12.22 on x86_64-pc-linux-gnu', 'engine_unknown'],
  ])('K-013 K-117 %j is refused as %s', (version, refusal) => {
    expect(identifyKingbase(version)).toMatchObject({ refusal });
  });

  test('K-117 only that build is blocked: others of its release are not', () => {
    for (const build of ['V008R006C008B0020', 'V008R006B0117', 'V008R006C005B0013', 'V009R001C001B0024'])
      expect(identifyKingbase(`KingbaseES ${build} on x86_64`)).toEqual({ title: `KingbaseES ${build}` });
  });

  test('K-014 V8R7 is taken with a word of warning', () => {
    expect(identifyKingbase('KingbaseES V008R007C003B0070 on x86_64')).toMatchObject({
      limit: expect.stringContaining('not documented') as string,
    });
  });
});
