import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { fail } from '#core/errors/fail.ts';

/** What can be measured, in the order in which it is. */
export const scenarios = [
  ...(['full', 'restore', 'incremental', 'log', 'relations', 'text', 'incompressible', 'sparse'] as const),
  ...(['overhead', 'memory'] as const),
] as const;

export type Scenario = (typeof scenarios)[number];

/** Left out unless asked for: takes minutes and compares nothing that changes from day to day. */
const onlyWhenAsked: readonly Scenario[] = ['memory'];

export interface BenchOptions {
  /** GB of pgbench data. */
  readonly sizeGb: number;
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  /** Folder on the disk that is measured. */
  readonly directory: string;
  readonly isJson: boolean;
  /** Outputs of runs with `--json`, whose goals go into docs/benchmarks.md; then nothing is measured. */
  readonly fill: readonly string[];
}

const malformed = (text: string, what: string, expected: string) => fail('value_malformed', { text, what, expected });

/** Reads the command line of `npm run bench`. Throws `value_malformed`. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '5' },
      directory: { type: 'string', default: tmpdir() },
      json: { type: 'boolean', default: false },
      fill: { type: 'string', default: '' },
    },
  });
  const { size, rounds, directory, json: isJson } = values;
  const fill = namesIn(values.fill);
  const sizeGb = Number(size);
  if (!(sizeGb > 0)) throw malformed(size, 'size of a bench', 'GB above 0');
  if (!/^[1-9]\d*$/.test(rounds)) throw malformed(rounds, 'number of rounds', 'a whole number from 1');
  return { sizeGb, rounds: Number(rounds), directory, isJson, scenarios: scenariosOf(values.only), fill };
}

const namesIn = (text: string): readonly string[] => text.split(',').filter((name) => name !== '');

function scenariosOf(only: string): readonly Scenario[] {
  const names = namesIn(only);
  const unknown = names.find((name) => !scenarios.some((known) => known === name));
  if (unknown !== undefined) throw malformed(unknown, 'scenario of a bench', scenarios.join(', '));
  return scenarios.filter((name) => (names.length === 0 ? !onlyWhenAsked.includes(name) : names.includes(name)));
}
