import type { Work } from './contender.ts';
import type { MemoryPoint } from './memory.ts';
import type { Overhead } from './overhead.ts';

/** One work of one contender: medians over the rounds. */
export interface Line {
  readonly scenario: string;
  readonly work: Work;
  readonly contender: string;
  readonly medianMs: number;
  /** Of our work alone, without the start of a program. */
  readonly engineMs?: number;
  /** Fastest and slowest round. */
  readonly spreadMs: readonly [number, number];
  readonly storedBytes?: number;
  readonly rssMiB?: number;
  /** Of log. */
  readonly segmentsPerSecond?: number;
}

type RatioName =
  | ('full' | 'restore' | 'size' | 'smallFiles' | 'smallFilesRestore' | 'logPush')
  | ('incremental' | 'incrementalFresh' | 'incrementalWhole' | 'incrementalBytes');

/**
 * Our medians divided by a peer's, below 1 where we are better; `logPush` is ours in segments a second divided by theirs.
 * `incremental` is our engine time divided by the wall time of the peer, as design §9 has it: of a process that stays, as an agent is,
 * `incrementalFresh` of one that has just started, without that start; `incrementalWhole` whole programs on both sides.
 */
export type Ratios = Readonly<Partial<Record<RatioName, number>>>;

/** What a run of the bench measured. */
export interface Figures {
  readonly sizeGb: number;
  readonly rounds: number;
  /** To pgBackRest; what was not measured or has no peer is absent. */
  readonly ratios: Ratios;
  readonly ratiosToBasebackup: Ratios;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Largest resident set of our engine process, all threads, over all rounds. */
  readonly rssMiB: number;
  /** The same by contender: resident sets of all its processes together. Shared pages count in each of them. */
  readonly rssMiBOf: Readonly<Record<string, number>>;
  readonly lines: readonly Line[];
  /** What a run takes above the engine, on a small instance. */
  readonly overhead?: Overhead;
  readonly memory?: readonly MemoryPoint[];
  readonly missing: readonly string[];
}
