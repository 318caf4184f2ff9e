import type { Lsn } from '../wal/lsn.ts';

/** Where a server replays log. */
export interface Replay {
  /** First position that was seen. */
  readonly from: Lsn;
  readonly at: Lsn;
  /** What must be reached at least. */
  readonly to: Lsn;
  /** At the speed of the last half minute; absent before two positions were seen. */
  readonly secondsLeft?: number;
}

/** What a running step reports, at most a few hundred bytes: it travels in heartbeats. All counters only grow. */
export interface Progress {
  /** begin · copy · log · verify · commit · prepare · write · prove · recover · open … as the step names them. */
  readonly phase: string;
  readonly bytesRead: number;
  /** Bytes given to the pool and acknowledged (backup), or to the target directory (restore). */
  readonly bytesWritten: number;
  readonly bytesTotal: number;
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly piecesDone: number;
  /** In the phase recover. */
  readonly replay?: Replay;
}

export const noProgress: Progress = {
  phase: 'begin',
  bytesRead: 0,
  bytesWritten: 0,
  bytesTotal: 0,
  filesDone: 0,
  filesTotal: 0,
  piecesDone: 0,
};

/** A warning is a value of the outcome, never an exception (style §3.7). */
export interface Warning {
  /** Durable name, e.g. `page_damaged`, `file_vanished`, `log_gap`. */
  readonly code: string;
  readonly detail: string;
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}
