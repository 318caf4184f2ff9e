import type { Clock } from '#core/ports/clock.ts';
import { ReplayProgress } from '#core/restore/recovery/replay-progress.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { Replay } from '#core/run/progress.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseSegmentName, segmentStart } from '#core/wal/segment-name.ts';
import { logTail } from './server-log.ts';
import { titlesOf } from '#agent/datadir/server-processes.ts';

export interface WatchedRecovery {
  readonly plan: Pick<RestorePlan, 'mustReach' | 'segmentBytes'>;
  readonly logFile: string;
  /** Bytes of the log file that were there before the server was started. */
  readonly logFrom: number;
  readonly clock: Clock;
  onReplay(replay: Replay): void;
}

const lookEveryMs = 250;

/**
 * Watches where a server without a door replays log: by the title of its startup process, which names the segment, and by its log, in
 * which PostgreSQL 15 and later name the position every ten seconds. Ends when the answer is called.
 */
export function watchReplay(postmaster: number, watched: WatchedRecovery): () => void {
  const { plan, logFile, logFrom, clock } = watched;
  const progress = new ReplayProgress(plan.mustReach);
  const look = (): void => {
    const found = [fromTitles(titlesOf(postmaster), plan.segmentBytes), fromLog(logTail(logFile, logFrom))];
    for (const lsn of found) if (lsn !== undefined) watched.onReplay(progress.saw(lsn, clock.nowMs()));
  };
  const timer = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(timer);
  };
}

/** Begin of the segment that is replayed (`ps` of "startup recovering 000000010000000000000005"). */
export function fromTitles(titles: readonly string[], segmentBytes: number): Lsn | undefined {
  for (const title of titles) {
    const name = /startup\s+recovering\s+([0-9A-F]{24})/.exec(title)?.[1];
    if (name !== undefined) return segmentStart(parseSegmentName(name), segmentBytes);
  }
  return undefined;
}

/** The last position in the log of a server (log_startup_progress_interval). */
export function fromLog(text: string): Lsn | undefined {
  const found = [...text.matchAll(/redo in progress, .*current LSN: ([0-9A-F]+\/[0-9A-F]+)/g)].slice(-1)[0]?.[1];
  return found === undefined ? undefined : parseLsn(found);
}
