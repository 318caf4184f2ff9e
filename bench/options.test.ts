import { expect, test } from 'vitest';
import { parseBenchOptions, parseControlOptions, scenarios } from './options.ts';

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
  [['--directory', '/nowhere/at/all'], '/nowhere/at/all'],
])('bench %j is refused and the word named', (args, word) => {
  expect(() => parseBenchOptions(args)).toThrow(word);
});

test('bench control takes its numbers, and refuses what is none before anything is started', () => {
  expect(parseControlOptions([])).toEqual({ jobs: 2000, fired: 500 });
  expect(parseControlOptions(['300'])).toEqual({ jobs: 300, fired: 500 });
  expect(parseControlOptions(['300', '20'])).toEqual({ jobs: 300, fired: 20 });
  for (const args of [['many'], ['--size', '2'], ['0'], ['300', '-1'], ['1', '2', '3'], ['']])
    expect(() => parseControlOptions(args), args.join(' ')).toThrow(
      expect.objectContaining({ code: 'value_malformed' }),
    );
  expect(() => parseBenchOptions(['--sise', '2'])).toThrow(expect.objectContaining({ code: 'value_malformed' }));
});
