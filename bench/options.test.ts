import { expect, test } from 'vitest';
import { parseBenchOptions, scenarios } from './options.ts';

test('bench measures everything but the memory curve unless told', () => {
  const { scenarios: found, sizeGb, rounds } = parseBenchOptions([]);
  expect(found).toEqual(scenarios.filter((name) => name !== 'memory'));
  expect({ sizeGb, rounds }).toEqual({ sizeGb: 1, rounds: 5 });
});

test('bench --only takes names in any order and measures them in its own', () => {
  expect(parseBenchOptions(['--only', 'memory,log,full']).scenarios).toEqual(['full', 'log', 'memory']);
});

test.each([
  [['--only', 'full,incremenal'], 'incremenal'],
  [['--size', 'large'], 'large'],
  [['--size', '0'], '0'],
  [['--rounds', '0'], '0'],
])('bench %j is refused and the word named', (args, word) => {
  expect(() => parseBenchOptions(args)).toThrow(word);
});
