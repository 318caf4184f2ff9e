import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWorthCopying, parseRelationFile, unloggedRelations } from './relation-file.ts';

const relation = fc.record({
  number: fc.integer({ min: 1, max: 4294967295 }).map(String),
  fork: fc.constantFrom('main' as const, 'fsm' as const, 'vm' as const, 'init' as const),
  segment: fc.integer({ min: 0, max: 40000 }),
  backend: fc.option(fc.integer({ min: 1, max: 1000 })),
});

test('reads number, fork, segment and owner back from the name of any relation file', () => {
  fc.assert(
    fc.property(relation, ({ number, fork, segment, backend }) => {
      const owner = backend === null ? '' : `t${String(backend)}_`;
      const name = `${owner}${number}${fork === 'main' ? '' : `_${fork}`}${segment === 0 ? '' : `.${String(segment)}`}`;
      expect(parseRelationFile(name)).toEqual({ number, fork, segment, isTemporary: backend !== null });
    }),
  );
});

test.each([
  'PG_VERSION',
  'pg_filenode.map',
  'pg_internal.init',
  '16384.tmp',
  '16384_foo',
  'x16384',
  '16384.',
  't_16384',
])('takes %s for no relation, so it is copied', (name) => {
  expect(parseRelationFile(name)).toBeUndefined();
  expect(isWorthCopying(name, new Set(['16384']))).toBe(true);
});

test('of an unlogged relation only the init fork is worth copying, whatever else the directory holds', () => {
  const unlogged = unloggedRelations(['16384', '16384_init', '16384_fsm', '163840', '16385', 't3_16386_init']);
  expect([...unlogged]).toEqual(['16384']);
  const names = ['16384', '16384.1', '16384_fsm', '16384_vm', '16384_init', '163840', '16385', 't3_16385'];
  expect(names.filter((name) => isWorthCopying(name, unlogged))).toEqual(['16384_init', '163840', '16385']);
});
