import type { VerifyDepth } from '../care/verify-depth.ts';
import type { CanaryWritten } from '../drill/canary.ts';
import type { SetId } from '../id.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { Instant } from '../instant.ts';
import type { Warning } from '../run/progress.ts';

/** How a restore ended. */
export interface RestoreReport {
  readonly directory: string;
  /** Timeline after promotion, or the one replayed when left closed. */
  readonly timeline: number;
  /** Absent when no server was started, and for a standby that has not streamed yet. */
  readonly reachedLsn?: Lsn;
  /** Commit time of the last transaction replayed, where the server said one. */
  readonly lastTransactionAt?: Instant;
  readonly isOpen: boolean;
  readonly port?: number;
  readonly socket?: string;
  /** In place: where the old data directory was moved. */
  readonly keptOldAt?: string;
  readonly bytesWritten: number;
  readonly filesWritten: number;
  readonly warnings: readonly Warning[];
  readonly secondsByPhase: Readonly<Record<string, number>>;
}

/** What an extraction wrote. */
export interface ExtractReport {
  readonly directory: string;
  /** Sets that were read, the asked one first. */
  readonly sets: readonly SetId[];
  readonly filesWritten: number;
  readonly bytesWritten: number;
  /** The first of them, by their paths in the set and below the directory. */
  readonly files: readonly string[];
}

export interface VerifyReport {
  /** How deep was looked; absent in reports of older agents: `full`. */
  readonly depth?: VerifyDepth;
  /** What was looked at: the set, and those it builds on. Absent in reports of older agents. */
  readonly sets?: readonly SetId[];
  readonly objects: number;
  readonly bytes: number;
  /** Pages whose checksum was computed; absent where none was asked for. */
  readonly pages?: number;
  /** The first findings. */
  readonly damage: readonly { readonly object: string; readonly what: string }[];
  /** How many there are, when that is more than are named. */
  readonly damageCount?: number;
  readonly warnings?: readonly Warning[];
}

export interface LogReport {
  readonly segments: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly batches: readonly string[];
  readonly deletedFiles: number;
  /** The row that it wrote before it closed the log (core/drill/canary.ts). */
  readonly canary?: CanaryWritten;
  readonly warnings: readonly Warning[];
}
