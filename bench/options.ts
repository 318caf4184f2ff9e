import { statSync } from 'node:fs';
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

/** How many jobs `npm run bench -- control` makes, and how many of them are due at once. */
export interface ControlOptions {
  readonly jobs: number;
  readonly fired: number;
}

export const usage = `npm run bench -- [--size <GB>] [--rounds <n>] [--only full,restore,…] [--directory <folder>] [--json]
npm run bench -- control [<jobs> [<due at once>]]     what many jobs with plans cost (2000, 500); figures as JSON
npm run bench -- --fill a.json,b.json                 put the goals of runs with --json into docs/benchmarks.md`;

/** What comes after `control`. Throws `value_malformed`. */
export function parseControlOptions(args: readonly string[]): ControlOptions {
  const { positionals } = readArgs(() => parseArgs({ args: [...args], options: {}, allowPositionals: true }), args);
  if (positionals.length > 2) throw malformed(args.join(' '), 'command line', `one of:\n${usage}`);
  const [jobs = 2000, fired = 500] = positionals.map((text) => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw malformed(text, 'number of jobs', 'a whole number from 1');
  });
  return { jobs, fired };
}

/** Throws `value_malformed` with the usage for what is no option. */
function readArgs<T>(read: () => T, args: readonly string[]): T {
  try {
    return read();
  } catch (cause) {
    throw fail('value_malformed', { text: args.join(' '), what: 'command line', expected: `one of:\n${usage}` }, cause);
  }
}

const malformed = (text: string, what: string, expected: string) => fail('value_malformed', { text, what, expected });

const flags = {
  size: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
  rounds: { type: 'string', default: '5' },
  directory: { type: 'string', default: tmpdir() },
  json: { type: 'boolean', default: false },
  fill: { type: 'string', default: '' },
} as const;

/** Reads the command line of `npm run bench`. Throws `value_malformed`. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = readArgs(() => parseArgs({ args: [...args], options: flags }), args);
  const { size, rounds, directory, json: isJson } = values;
  const fill = namesIn(values.fill);
  const sizeGb = Number(size);
  if (!(sizeGb > 0)) throw malformed(size, 'size of a bench', 'GB above 0');
  if (!/^[1-9]\d*$/.test(rounds)) throw malformed(rounds, 'number of rounds', 'a whole number from 1');
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw malformed(directory, 'folder of a bench', 'a directory that is there, on the disk to be measured');
  return { sizeGb, rounds: Number(rounds), directory, isJson, scenarios: scenariosOf(values.only), fill };
}

const namesIn = (text: string): readonly string[] => text.split(',').filter((name) => name !== '');

function scenariosOf(only: string): readonly Scenario[] {
  const names = namesIn(only);
  const unknown = names.find((name) => !scenarios.some((known) => known === name));
  if (unknown !== undefined) throw malformed(unknown, 'scenario of a bench', scenarios.join(', '));
  return scenarios.filter((name) => (names.length === 0 ? !onlyWhenAsked.includes(name) : names.includes(name)));
}
