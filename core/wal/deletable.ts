import type { SegmentName } from './segment-name.ts';

/** Log that running backups need of one timeline: from this segment on. */
export interface NeededFrom {
  readonly timeline: number;
  readonly segment: SegmentName;
}

/**
 * Archived segments that may be considered for deletion (K-080): all but the newest, and while a backup runs nothing at
 * or after the segment that it needs on the same timeline, and nothing of a timeline without a bound. Names sort as the
 * log does within a timeline; positions on two timelines say nothing about each other.
 */
export function deletable(segments: readonly SegmentName[], neededFrom: readonly NeededFrom[]): SegmentName[] {
  const sorted = [...segments].sort();
  const newest = sorted[sorted.length - 1];
  return sorted.filter((name) => name !== newest && !isNeeded(name, neededFrom));
}

/**
 * Notes of backups (`<segment>.<offset>.backup`) that may go: those whose backup began in a segment before the oldest that is left of its
 * timeline, as `pg_archivecleanup` removes them (PG manual, `--clean-backup-history`). Nothing can be restored by them alone, and no set of ours
 * needs them. Where nothing is left of a timeline they stay. History files of timelines are none of them and always stay.
 */
export function deletableNotes(notes: readonly string[], left: readonly SegmentName[]): string[] {
  const oldest = new Map<string, string>();
  for (const name of left) {
    const known = oldest.get(name.slice(0, 8));
    if (known === undefined || name < known) oldest.set(name.slice(0, 8), name);
  }
  return notes.filter((note) => note.slice(0, 24) < (oldest.get(note.slice(0, 8)) ?? ''));
}

function isNeeded(name: SegmentName, neededFrom: readonly NeededFrom[]): boolean {
  if (neededFrom.length === 0) return false;
  const bounds = neededFrom.filter(({ segment }) => segment.slice(0, 8) === name.slice(0, 8));
  return bounds.length === 0 || bounds.some(({ segment }) => name >= segment);
}
