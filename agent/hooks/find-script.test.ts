import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findScript } from './find-script.ts';

let home: string;
let scripts: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hf-scripts-'));
  scripts = join(home, 'scripts');
  mkdirSync(join(scripts, 'sub'), { recursive: true, mode: 0o755 });
  put('good.sh');
  put('sub/deep.sh');
  writeFileSync(join(home, 'outside.sh'), '', { mode: 0o755 });
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function put(name: string, mode = 0o755): string {
  const path = join(scripts, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
  return path;
}

test('K-087 finds a script by name, by path below the directory, and through a link that stays inside', () => {
  symlinkSync('sub/deep.sh', join(scripts, 'link.sh'));
  symlinkSync(scripts, join(home, 'also'));
  expect(findScript(scripts, 'good.sh')).toBe(join(scripts, 'good.sh'));
  expect(findScript(scripts, 'sub/deep.sh')).toBe(join(scripts, 'sub/deep.sh'));
  expect(findScript(scripts, join(scripts, 'good.sh'))).toBe(join(scripts, 'good.sh'));
  expect(findScript(scripts, 'link.sh')).toBe(join(scripts, 'sub/deep.sh'));
  expect(findScript(join(home, 'also'), 'good.sh')).toBe(join(scripts, 'good.sh'));
});

const codeOf = (script: string, directory: string | undefined = scripts): unknown => {
  try {
    return findScript(directory, script);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

test('K-087 without an allowed directory no script is run, and one that is not there is named as missing', () => {
  expect(() => findScript(undefined, 'good.sh')).toThrow('allows no scripts');
  expect(codeOf('absent.sh')).toBe('script_missing');
  expect(codeOf('good.sh/x')).toBe('script_missing');
  expect(codeOf('good.sh', join(home, 'nowhere'))).toBe('script_missing');
});

test('K-087 refuses what leaves the directory, what others may write, and what is no program', () => {
  symlinkSync('../outside.sh', join(scripts, 'leaves.sh'));
  symlinkSync('/bin', join(scripts, 'bin'));
  put('group.sh', 0o775);
  put('world.sh', 0o757);
  put('plain.sh', 0o644);
  for (const script of [
    'leaves.sh',
    '../outside.sh',
    '/bin/sh',
    'bin/sh',
    'group.sh',
    'world.sh',
    'plain.sh',
    'sub',
    '.',
  ])
    expect([script, codeOf(script)]).toEqual([script, 'script_refused']);
});

test('K-087 refuses a script when others may put another in its place', () => {
  chmodSync(join(scripts, 'sub'), 0o777);
  expect(codeOf('sub/deep.sh')).toBe('script_refused');
  expect(codeOf('good.sh')).toBe(join(scripts, 'good.sh'));
  chmodSync(scripts, 0o775);
  expect(codeOf('good.sh')).toBe('script_refused');
});

test.runIf(process.getuid?.() === 0)(
  'K-087 refuses a script of an account that is neither root nor the agent’s own',
  () => {
    chownSync(put('theirs.sh'), 65_534, 65_534);
    expect(codeOf('theirs.sh')).toBe('script_refused');
  },
);
