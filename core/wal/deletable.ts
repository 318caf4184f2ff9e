import type { SegmentName } from './segment-name.ts';

/** Log that a running backup needs from a segment on. */
export interface NeededFrom {
  readonly segment: SegmentName;
}

/**
 * Archived segments that may be considered for deletion (K-080): all but the newest, and nothing at or after the oldest
 * segment that a running backup needs, on whatever timeline. Names sort as the log does within a timeline.
 */
export function deletable(segments: readonly SegmentName[], neededFrom: readonly NeededFrom[]): SegmentName[] {
  const sorted = [...segments].sort();
  const newest = sorted[sorted.length - 1];
  const oldestNeeded = neededFrom.map((needed) => placeOf(needed.segment)).sort()[0];
  return sorted.filter((name) => name !== newest && (oldestNeeded === undefined || placeOf(name) < oldestNeeded));
}

/** The part of the name that counts segments, without the timeline. */
const placeOf = (name: SegmentName): string => name.slice(8);
