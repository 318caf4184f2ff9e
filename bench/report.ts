import type { Measured } from './contender.ts';
import type { Overhead } from './overhead.ts';
import type { Result } from './rounds.ts';
import { median } from './timed.ts';

/** The last line of `--json`: our medians divided by pgBackRest's; undefined (absent) where it is not installed. */
export interface BenchReport {
  readonly sizeGb: number;
  readonly ratios: { readonly full?: number; readonly restore?: number; readonly size?: number };
  readonly ratiosToBasebackup: BenchReport['ratios'];
  readonly versions: Readonly<Record<string, string>>;
  /** Largest resident set of our engine process, all threads, over all rounds. */
  readonly rssMiB: number;
  /** The same by contender: resident sets of all its processes together. Shared pages count in each of them. */
  readonly rssMiBOf: Readonly<Record<string, number>>;
  /** What a run takes above the engine, on a small instance. */
  readonly overhead: Overhead;
  readonly missing: readonly string[];
}

const timeOf = (runs: readonly Measured[]): number => median(runs.map(({ ms }) => ms));
const sizeOf = (runs: readonly Measured[]): number => median(runs.flatMap(({ storedBytes }) => storedBytes ?? []));

const memoryOf = ({ full, restore }: Result): number =>
  Math.max(...[...full, ...restore].map(({ rssMiB = 0 }) => rssMiB));

function ratio(ours: number, theirs: number): number | undefined {
  const quotient = ours / theirs;
  return Number.isFinite(quotient) ? Math.round(quotient * 1000) / 1000 : undefined;
}

/** Leaves out what could not be measured. */
const known = <K extends string>(values: Readonly<Record<K, number | undefined>>): Partial<Record<K, number>> => {
  const kept: Partial<Record<K, number>> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
};

const against = (ours: Result, them: Result | undefined): BenchReport['ratios'] =>
  them === undefined
    ? {}
    : known({
        full: ratio(timeOf(ours.full), timeOf(them.full)),
        restore: ratio(timeOf(ours.restore), timeOf(them.restore)),
        size: ratio(sizeOf(ours.full), sizeOf(them.full)),
      });

/** `results` hold ours first. */
export function reportOf(
  results: readonly [Result, ...Result[]],
  about: { sizeGb: number; serverVersion: string; overhead: Overhead },
): BenchReport {
  const [ours, ...peers] = results;
  const peer = (name: string): Result | undefined => peers.find(({ contender }) => contender.name === name);
  const backrest = peer('pgbackrest');
  const versions = results.map(({ contender }) => [contender.name, contender.version] as const);
  return {
    sizeGb: about.sizeGb,
    ratios: against(ours, backrest),
    ratiosToBasebackup: against(ours, peer('pg_basebackup')),
    versions: Object.fromEntries([['postgresql', about.serverVersion] as const, ...versions]),
    rssMiB: memoryOf(ours),
    rssMiBOf: Object.fromEntries(results.map((result) => [result.contender.name, memoryOf(result)])),
    overhead: about.overhead,
    missing: backrest === undefined ? ['pgbackrest is not installed: no ratios to it'] : [],
  };
}

const cells = (values: readonly string[]): string =>
  values.map((value, i) => (i === 0 ? value.padEnd(15) : value.padStart(12))).join('');
const seconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1000).toFixed(2)} s` : '–');

function spread(runs: readonly Measured[]): string {
  const times = runs.map(({ ms }) => ms);
  return times.length === 0
    ? '–'
    : `${(Math.min(...times) / 1000).toFixed(2)}–${(Math.max(...times) / 1000).toFixed(2)}`;
}

function overheadText({ noOpSeconds, fullSeconds, engineSeconds, aboveEngineSeconds }: Overhead): string {
  const [whole, alone] = [fullSeconds, engineSeconds].map((one) => one.toFixed(2));
  const above = `${aboveEngineSeconds.toFixed(2)} s above the engine (${whole ?? ''} s against ${alone ?? ''} s)`;
  return `overhead of a run on a small instance: a full backup ${above}; a run that does nothing ${noOpSeconds.toFixed(2)} s`;
}

/** Medians and spreads for people. */
export function tableOf(report: BenchReport, results: readonly Result[]): string {
  const lines = results.map(({ contender, full, restore }) =>
    cells([
      contender.name,
      ...[seconds(timeOf(full)), spread(full), seconds(timeOf(restore)), spread(restore)],
      ...[`${(sizeOf(full) / 1e6).toFixed(1)} MB`, `${String(memoryOf({ contender, full, restore }))} MiB`],
    ]),
  );
  const options = results.map(({ contender }) => `${contender.name} ${contender.version}: ${contender.options}`);
  const { ratios, rssMiB } = report;
  const show = (value: number | undefined): string => (value === undefined ? 'not measured' : value.toFixed(3));
  return [
    `PostgreSQL ${report.versions['postgresql'] ?? ''}, ${String(report.sizeGb)} GB of pgbench, medians (s, spread)`,
    cells(['', 'full', 'spread', 'restore', 'spread', 'set size', 'memory']),
    ...lines,
    `holdfast / pgbackrest: full ${show(ratios.full)}, restore ${show(ratios.restore)}, size ${show(ratios.size)}; peak memory ${String(rssMiB)} MiB`,
    overheadText(report.overhead),
    ...options,
    ...report.missing.map((line) => `missing: ${line}`),
  ].join('\n');
}
