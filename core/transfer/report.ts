import type { Lsn } from '../wal/lsn.ts';
import type { Instant } from '../instant.ts';
import type { Warning } from '../run/progress.ts';
import type { Placed, SettleVerb } from './task.ts';

/** One statement that the target refused, in the order they came. */
export interface FailedStatement {
  /** What it was about, as the dump names it: `TABLE public.orders`. */
  readonly object: string;
  readonly sqlState: string;
  readonly message: string;
  /** The beginning of it. */
  readonly statement: string;
}

/** How a recovery of databases or tables, or a logical restore, ended. */
export interface TransferReport {
  /** What is in its place now. */
  readonly placed: readonly Placed[];
  /** Where the scratch instance stood: a recovery to a point. */
  readonly reachedLsn?: Lsn;
  readonly lastTransactionAt?: Instant;
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly failures: readonly FailedStatement[];
  readonly warnings: readonly Warning[];
  readonly secondsByPhase: Readonly<Record<string, number>>;
}

/** How what was kept was settled. */
export interface SettleReport {
  readonly does: SettleVerb;
  readonly dropped: readonly string[];
  readonly putBack: readonly string[];
  /** What was taken out of its place by an undo, and lies here now. */
  readonly setAside: readonly string[];
}
