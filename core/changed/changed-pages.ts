import type { Lsn } from '../wal/lsn.ts';

/** Where a list of changed pages comes from, best first (design §5). Recorded in the set. */
export type ChangedPagesSource = 'wal-summary' | 'log' | 'page-lsn' | 'content-hash';

/** Half-open range of blocks, counted within one relation segment file (block 0 is the file's first page). */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/** A file of the data directory of which the base set has a member of the same path, or has not. */
export interface JudgedFile {
  /** Path within the set, with `/`. */
  readonly path: string;
  /** Bytes now. */
  readonly sizeBytes: number;
  /** Bytes of the member in the base set; undefined: the base has none, the file is new. */
  readonly baseBytes: number | undefined;
}

/**
 * What an incremental must read of one file (engine.md §A rules 3–6).
 * `whole`: every byte is stored. `blocks`: these blocks are stored, all others are the base's; no range means that nothing is read.
 * `by-lsn`: every page is looked at; stored are pages with an LSN at or after `since`, all-zero pages, pages with pd_upper 0 or
 * LSN 0, and pages with an LSN above `insertLsn` (engine.md §I). `by-hash`: every extent is read; stored are those whose hash
 * differs from the base's.
 */
export type Changed =
  | { readonly kind: 'whole' }
  | { readonly kind: 'blocks'; readonly ranges: readonly BlockRange[] }
  | { readonly kind: 'by-lsn'; readonly since: Lsn; readonly insertLsn: Lsn }
  | { readonly kind: 'by-hash' };

/** One source of changed pages, opened for one base and one begin of backup mode. */
export interface ChangedPages {
  readonly source: ChangedPagesSource;
  changedIn(file: JudgedFile): Changed;
}
