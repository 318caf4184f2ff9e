import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedWith } from './apart.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'hf-apart-'));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

function directory(name: string, pid?: string): string {
  const path = join(root, name);
  mkdirSync(path);
  if (pid !== undefined) writeFileSync(join(path, 'postmaster.pid'), `${pid}\n${path}\n`);
  return path;
}

test('K-092 K-105 two directories that one server process serves are one instance, whatever port it was asked by', () => {
  const source = directory('source', '4711');
  expect(sharedWith(directory('mounted', '4711'), source)).toMatch(/are served by the same process 4711$/);
  // A server in single-user mode writes its process id with a minus sign.
  expect(sharedWith(directory('single-user', '-4711'), source)).toMatch(/same process 4711$/);
  expect(sharedWith(directory('other', '4712'), source)).toBeUndefined();
});

test('K-092 K-105 a link to a directory is that directory; closed instances and missing ones share nothing', () => {
  const closed = directory('closed');
  symlinkSync(closed, join(root, 'link'));
  expect(sharedWith(join(root, 'link'), closed)).toMatch(/is the same directory as/);
  expect(sharedWith(directory('also-closed'), closed)).toBeUndefined();
  expect(sharedWith(directory('unreadable', 'x'), directory('unreadable-too', 'y'))).toBeUndefined();
  expect(sharedWith(join(root, 'nowhere'), closed)).toBeUndefined();
});
