import type { Measured, Work } from './contender.ts';
import { judgedChange } from './changes.ts';
import type { Figures, Line, Ratios } from './figures.ts';
import type { Goal } from './goals.ts';
import { goalsOf } from './goals.ts';
import { agentName } from './holdfast.ts';
import { segmentsPerSecond } from './log-push.ts';
import type { MemoryPoint } from './memory.ts';
import type { Overhead } from './overhead.ts';
import type { Row } from './rounds.ts';
import { logRows, pgbenchRows, serverRows, smallFilesRows } from './scenarios.ts';
import { median } from './timed.ts';

/** The last line of `--json`. */
export interface BenchReport extends Figures {
  /** Rows of design §9, judged by the bar of the pgBackRest that was found. */
  readonly goals: readonly Goal[];
}

export interface AboutRun {
  readonly sizeGb: number;
  readonly rounds: number;
  readonly overhead: Overhead | undefined;
  readonly memory: readonly MemoryPoint[] | undefined;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const known = (values: readonly (number | undefined)[]): readonly number[] =>
  values.filter((value) => value !== undefined);

function lineOf(row: Row): Line {
  const { scenario, work, contender, runs } = row;
  const times = runs.map(({ ms }) => round(ms, 0));
  const [engine, stored, memory] = [of(runs, 'engineMs'), of(runs, 'storedBytes'), of(runs, 'rssMiB')];
  const rate = segmentsPerSecond(row, median(times));
  return {
    ...{ scenario, work, contender: contender.name, medianMs: median(times) },
    spreadMs: [Math.min(...times), Math.max(...times)],
    ...(engine.length === 0 ? {} : { engineMs: median(engine) }),
    ...(stored.length === 0 ? {} : { storedBytes: median(stored) }),
    ...(memory.length === 0 ? {} : { rssMiB: Math.max(...memory) }),
    ...(rate === undefined ? {} : { segmentsPerSecond: rate }),
  };
}

const of = (runs: readonly Measured[], name: 'engineMs' | 'storedBytes' | 'rssMiB'): readonly number[] =>
  known(runs.map((run) => run[name]));

/** Other ways of the same program, by which it is judged too. */
const ways = ['', ' async', ' block'];

/** The best of a peer's lines: pgBackRest pushes log in two ways and has two kinds of incrementals. */
function bestOf(lines: readonly Line[], { scenario, work, peer }: Compared, value: Value): number | undefined {
  const found = lines.filter((line) => line.scenario === scenario && line.work === work);
  const values = known(
    found.filter(({ contender }) => ways.some((way) => contender === peer + way)).map((line) => line[value]),
  );
  return values.length === 0 ? undefined : Math.min(...values);
}

type Value = 'medianMs' | 'engineMs' | 'storedBytes';

interface Compared {
  readonly scenario: string;
  readonly work: Work;
  readonly peer: string;
}

/** Our median divided by the best of the peer's, in time or in stored bytes; engine time by the time of their whole program. */
export function ratioOf(lines: readonly Line[], compared: Compared, value: Value = 'medianMs'): number | undefined {
  const ours = bestOf(lines, { ...compared, peer: 'holdfast' }, value);
  const theirs = bestOf(lines, compared, value === 'engineMs' ? 'medianMs' : value);
  return ours === undefined || theirs === undefined ? undefined : round(ours / theirs, 3);
}

/** Of the engine in a process that stays, as it does in an agent, from order to answer; by the best time of the peer's programs. */
function ratioOfAgent(lines: readonly Line[], compared: Compared): number | undefined {
  const ours = bestOf(lines, { ...compared, peer: agentName }, 'medianMs');
  const theirs = bestOf(lines, compared, 'medianMs');
  return ours === undefined || theirs === undefined ? undefined : round(ours / theirs, 3);
}

function ratiosTo(lines: readonly Line[], peer: string): Ratios {
  const isServers = peer === 'pg_basebackup';
  const changed = isServers ? serverRows : judgedChange.name;
  const push = ratioOf(lines, { scenario: logRows, work: 'log', peer });
  const all: Readonly<Record<keyof Ratios, number | undefined>> = {
    full: ratioOf(lines, { scenario: pgbenchRows, work: 'full', peer }),
    restore: ratioOf(lines, { scenario: isServers ? serverRows : pgbenchRows, work: 'restore', peer }),
    size: ratioOf(lines, { scenario: pgbenchRows, work: 'full', peer }, 'storedBytes'),
    incremental: ratioOfAgent(lines, { scenario: changed, work: 'incremental', peer }),
    incrementalFresh: ratioOf(lines, { scenario: changed, work: 'incremental', peer }, 'engineMs'),
    incrementalWhole: ratioOf(lines, { scenario: changed, work: 'incremental', peer }),
    incrementalBytes: ratioOf(lines, { scenario: changed, work: 'incremental', peer }, 'storedBytes'),
    smallFiles: ratioOf(lines, { scenario: smallFilesRows, work: 'full', peer }),
    smallFilesRestore: ratioOf(lines, { scenario: smallFilesRows, work: 'restore', peer }),
    logPush: push === undefined ? undefined : round(1 / push, 2),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Puts medians, ratios and what belongs to them together. */
export function reportOf(rows: readonly Row[], { overhead, memory, ...about }: AboutRun): BenchReport {
  const lines = rows.map(lineOf);
  const contenders = rows.map(({ contender }) => contender);
  const rssMiBOf: Record<string, number> = {};
  for (const { contender, rssMiB = 0 } of lines) rssMiBOf[contender] = Math.max(rssMiBOf[contender] ?? 0, rssMiB);
  const servers = rows.map(({ server }) => [`postgresql ${server.split('.')[0] ?? ''}`, server] as const);
  const hasBackrest = rows.some(({ contender }) => contender.name.startsWith('pgbackrest'));
  const report = {
    ...about,
    ratios: ratiosTo(lines, 'pgbackrest'),
    ratiosToBasebackup: ratiosTo(lines, 'pg_basebackup'),
    versions: Object.fromEntries([...servers, ...contenders.map(({ name, version }) => [name, version] as const)]),
    options: Object.fromEntries(contenders.map(({ name, options }) => [name, options])),
    rssMiB: rssMiBOf['holdfast'] ?? 0,
    rssMiBOf,
    lines,
    ...(overhead === undefined ? {} : { overhead }),
    ...(memory === undefined ? {} : { memory }),
    missing: rows.length > 0 && !hasBackrest ? ['pgbackrest is not installed: no ratios to it'] : [],
  };
  return { ...report, goals: goalsOf(report) };
}
