import type { Progress } from '#core/run/progress.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { bytesText } from '#core/bytes-text.ts';

const minute = 60;
const hour = 3600;

/** `40 s`, `12 min`, `3.5 h`. */
export function durationText(seconds: number): string {
  if (seconds < 2 * minute) return `${String(Math.round(seconds))} s`;
  return seconds < 2 * hour ? `${String(Math.round(seconds / minute))} min` : `${(seconds / hour).toFixed(1)} h`;
}

/** The phase in words; of a recovery where it is in the log, and how long the rest will take. */
export function phaseText({ phase, replay }: Progress): string {
  if (replay === undefined) return phase;
  const { at, to, secondsLeft } = replay;
  const left = secondsLeft === undefined ? '' : `, ${durationText(secondsLeft)} left`;
  return `${phase} at ${at} of ${to}${left}`;
}

/** What a bar shows: how much of how much is done, in bytes of files or, in a recovery, of log. */
export function doneOf({ bytesRead, bytesWritten, bytesTotal, replay }: Progress): {
  readonly done: number;
  readonly all: number;
  readonly text: string;
} {
  const from = replay === undefined ? 0 : lsnToNumber(replay.from);
  const all = replay === undefined ? bytesTotal : Math.max(0, lsnToNumber(replay.to) - from);
  const now = replay === undefined ? Math.max(bytesRead, bytesWritten) : lsnToNumber(replay.at) - from;
  const done = Math.min(now, all);
  return { done, all, text: replay === undefined ? bytesText(done) : `${bytesText(done)} log` };
}

/** `30 % of 2.1 GiB`, in tenths, so that a log holds at most ten lines of it for a phase; empty before the first tenth. */
export function tenthText(progress: Progress): string {
  const { done, all } = doneOf(progress);
  const tenth = all === 0 ? 0 : Math.floor((done * 10) / all);
  const what = progress.replay === undefined ? bytesText(all) : `${bytesText(all)} log`;
  return tenth === 0 ? '' : `${String(tenth * 10)} % of ${what}`;
}
