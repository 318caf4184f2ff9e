import type { SegmentName } from '../../wal/segment-name.ts';
import { segmentPosition } from '../../wal/segment-name.ts';

/** Where log is looked for, in bytes; both ends lie at a segment's begin. */
export interface SoughtLog {
  readonly timeline: number;
  readonly from: number;
  readonly to: number;
  readonly segmentBytes: number;
}

export interface ArchivedStretch {
  /** Segments that follow each other from the place that is looked for; empty when the first is not there. */
  readonly names: readonly SegmentName[];
  /** Begin of the first segment that is there behind that place; undefined when none is. */
  readonly next: number | undefined;
}

/** What an archive has of a range of the log, up to its first hole. `archived` may name any log, in any order. */
export function archivedStretch(
  archived: readonly SegmentName[],
  { timeline, from, to, segmentBytes }: SoughtLog,
): ArchivedStretch {
  const there = new Map<number, SegmentName>();
  for (const name of archived) {
    const { timeline: its, number } = segmentPosition(name, segmentBytes);
    const begin = number * segmentBytes;
    if (its === timeline && begin >= from && begin < to) there.set(begin, name);
  }
  const names: SegmentName[] = [];
  for (let at = from, name = there.get(at); name !== undefined; name = there.get((at += segmentBytes)))
    names.push(name);
  const behind = [...there.keys()].filter((begin) => begin > from);
  return { names, next: behind.length === 0 ? undefined : behind.reduce((a, b) => Math.min(a, b)) };
}
