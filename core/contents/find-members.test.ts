import { expect, test } from 'vitest';
import type { MemberOfSet } from '../format/meta.ts';
import { findMembers } from './find-members.ts';

const file = (path: string): MemberOfSet => ({
  kind: 'file',
  path,
  mode: 0o600,
  sizeBytes: 0,
  mtimeMs: 0,
  extents: [],
});
const members = [
  ...['base/5/16384', 'base/5/16384.1', 'base/5/16384_vm', 'base/5/16385', 'base/6/16384', 'postgresql.conf'].map(file),
  { kind: 'directory', path: 'base/5', mode: 0o700 } as const,
];
const names = new Map([
  ['base/5/16384', 'app.public.orders'],
  ['base/5/16385', 'app.old.orders'],
]);
const found = (what: string): readonly string[] => findMembers({ members }, what, names).map(({ path }) => path);
const relation = ['base/5/16384', 'base/5/16384.1', 'base/5/16384_vm'];

test('D-013 a relation is found with all its segments and forks, by any of its files or by its name', () => {
  expect(found('base/5/16384')).toEqual(relation);
  expect(found('base/5/16384_vm')).toEqual(relation);
  expect(found('app.public.orders')).toEqual(relation);
  expect(found('public.orders')).toEqual(relation);
});

test('D-013 another file is found by its path; what is ambiguous or unknown is not found', () => {
  expect(found('postgresql.conf')).toEqual(['postgresql.conf']);
  expect([found('orders'), found('base/5'), found('none')]).toEqual([[], [], []]);
});
