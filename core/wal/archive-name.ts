import type { SegmentName } from './segment-name.ts';
import { isSegmentName } from './segment-name.ts';

/** What a file of an archive directory is by its name (`xlog_internal.h`, PG manual "Continuous Archiving"). */
export type ArchiveName =
  | { readonly kind: 'segment'; readonly name: SegmentName }
  | { readonly kind: 'history'; readonly timeline: number }
  /** Note of a backup that began in a segment: `<segment>.<offset>.backup`. */
  | { readonly kind: 'backup-note'; readonly name: SegmentName }
  /** Last, unfinished segment of a branch that was left. */
  | { readonly kind: 'partial'; readonly name: SegmentName }
  /** Being written by an archive command. */
  | { readonly kind: 'temporary' }
  | { readonly kind: 'unknown' };

/** Classifies a file name; content is checked elsewhere. */
export function parseArchiveName(file: string): ArchiveName {
  if (isSegmentName(file)) return { kind: 'segment', name: file };
  const stem = file.slice(0, 24);
  if (file === `${stem}.partial` && isSegmentName(stem)) return { kind: 'partial', name: stem };
  const history = /^([0-9A-F]{8})\.history$/.exec(file);
  if (history !== null) return { kind: 'history', timeline: parseInt(history[1] ?? '', 16) };
  const isNote = /^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/.test(file);
  if (isNote && isSegmentName(stem)) return { kind: 'backup-note', name: stem };
  return /(?:\.tmp|\.temp)\b|^\./.test(file) ? { kind: 'temporary' } : { kind: 'unknown' };
}
