import type { Lsn } from './lsn.ts';
import { fail } from '../errors/fail.ts';
import { compareLsn, formatLsn, parseLsn } from './lsn.ts';
import { cutText } from '../text.ts';

/** One line of a history file: `timeline` was left for the next one at `switchLsn` (PG manual "Timelines"). */
export interface HistoryEntry {
  readonly timeline: number;
  readonly switchLsn: Lsn;
}

const line = /^(\d{1,10})\s+([0-9A-F]{1,8}\/[0-9A-F]{1,8})(?:\s.*)?$/i;

/** Lines that count: comments and empty lines separate and explain. */
const entryLinesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('#'));

/**
 * Parses a history file, oldest timeline first; '' is timeline 1. The positions need not rise: a server that recovers
 * along timeline 2 to a point before the fork of timeline 2 writes that point behind it. Throws `log_history_damaged`.
 */
export function parseHistory(text: string, name = 'history'): readonly HistoryEntry[] {
  const entries = entryLinesOf(text).map((each): HistoryEntry => {
    const m = line.exec(each);
    if (m === null) throw fail('log_history_damaged', { name, line: cutText(each, 80) });
    return { timeline: Number(m[1]), switchLsn: parseLsn(m[2] ?? '') };
  });
  entries.forEach((entry, i) => {
    const before = entries[i - 1];
    const isOrdered = before === undefined || before.timeline < entry.timeline;
    if (!isOrdered) throw fail('log_history_damaged', { name, line: `${String(entry.timeline)} ${entry.switchLsn}` });
  });
  return entries;
}

/**
 * Up to where the log of each entry counts: its switch, or an earlier one of a later entry, which takes away what lies
 * behind it (PostgreSQL looks a position up from the newest timeline down).
 */
export function endsOf(entries: readonly HistoryEntry[]): readonly Lsn[] {
  const ends: Lsn[] = [];
  for (const { switchLsn } of [...entries].reverse()) {
    const [after] = ends;
    ends.unshift(after === undefined || compareLsn(switchLsn, after) < 0 ? switchLsn : after);
  }
  return ends;
}

/** Name of the history file of a timeline: `00000002.history`. */
export const historyName = (timeline: number): string =>
  `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;

/** The text that decides whether `parent` is what `child` left: all of the child's lines but the last, comments and spaces aside. */
export const ancestryKey = (history: string): string => entryLinesOf(history).join('\n');
export const parentKey = (history: string): string => entryLinesOf(history).slice(0, -1).join('\n');

/**
 * Branch id: first 32 hex digits of the SHA-256 of the name and the text of the history file, of nothing on timeline 1
 * (docs/format.md). The name belongs to it: two promotions at one point write the same text. The hash comes from outside.
 */
export const branchIdOf = (history: string, timeline: number, sha256Hex: (text: string) => string): string =>
  sha256Hex(timeline === 1 ? '' : `${historyName(timeline)}\n${history}`).slice(0, 32);

/** One timeline on the way to the present: it was written over `[from, to)`. */
export interface TimelineStep {
  readonly timeline: number;
  /** Text of its history file. */
  readonly history: string;
  readonly from: Lsn;
  readonly to: Lsn;
}

/** The way over `[from, to)` along the history of a timeline, oldest first. Throws `log_history_damaged`. */
export function timelineSteps(
  now: { readonly timeline: number; readonly history: string },
  from: Lsn,
  to: Lsn,
): readonly TimelineStep[] {
  const entries = parseHistory(now.history);
  const ends = endsOf(entries);
  const steps: TimelineStep[] = [];
  let end = to;
  for (let i = entries.length; i >= 0; i--) {
    const begin = ends[i - 1] ?? formatLsn(0);
    const stepFrom = compareLsn(begin, from) > 0 ? begin : from;
    const timeline = entries[i]?.timeline ?? now.timeline;
    const history = i === entries.length ? now.history : (ancestorHistory(now.history, timeline) ?? '');
    if (compareLsn(stepFrom, end) < 0) steps.unshift({ timeline, history, from: stepFrom, to: end });
    if (compareLsn(begin, end) < 0) end = begin;
  }
  return steps;
}

/**
 * The history file of an ancestor, as it stands in the one of a descendant: the server copies the text of the parent and
 * adds a line. Undefined when `timeline` is no ancestor; '' for timeline 1.
 */
export function ancestorHistory(history: string, timeline: number): string | undefined {
  const lines = history.split('\n');
  const at = lines.findIndex((each) => Number(line.exec(each.trim())?.[1]) === timeline);
  if (at === -1) return undefined;
  return timeline === 1 ? '' : lines.slice(0, at).join('\n');
}
