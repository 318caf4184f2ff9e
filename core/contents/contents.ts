import type { SetId } from '../id.ts';

/** What somebody wants to see of a set; `limit` bounds the answer, which crosses Temporal. */
export type ContentsView =
  | { readonly of: 'files'; readonly prefix: string; readonly after: string; readonly limit: number }
  | { readonly of: 'tables'; readonly limit: number }
  /** What changed from `earlier` to the set. */
  | { readonly of: 'diff'; readonly earlier: SetId; readonly limit: number };

/** Sizes in bytes. */
export interface Amount {
  /** As the file is when restored. */
  readonly sizeBytes: number;
  /** Of them, what this set holds itself; the rest is zeros or lies in the sets it builds on. */
  readonly ownBytes: number;
  /** What that takes in the pool: the file's share of its frames. */
  readonly storedBytes: number;
}

export interface ListedFile extends Amount {
  readonly path: string;
}

export interface FileList {
  readonly of: 'files';
  /** By path. */
  readonly files: readonly ListedFile[];
  /** There are more files after the last one. */
  readonly hasMore: boolean;
  readonly total: Amount & { readonly files: number };
}

export interface ListedTable extends Amount {
  /** Path of the first file of its main fork, e.g. `base/16384/16385`. */
  readonly path: string;
  readonly files: number;
  /** `database.schema.relation` in the catalog of the running instance; absent when it knows none of that path. */
  readonly name?: string;
}

export interface TableList {
  readonly of: 'tables';
  /** The largest first. */
  readonly tables: readonly ListedTable[];
  readonly hasMore: boolean;
  /** Where the names come from, or why there are none: they are those of now, not of the time of the backup. */
  readonly naming: string;
}

export interface ChangedFile {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly earlierBytes: number;
  readonly laterBytes: number;
  /** Bytes that differ, at most: extents that were cut otherwise count whole. */
  readonly changedBytes: number;
}

export interface SetDifference {
  readonly of: 'diff';
  readonly unchanged: number;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly changedBytes: number;
  /** The most changed first. */
  readonly files: readonly ChangedFile[];
  readonly hasMore: boolean;
}

export type Contents = FileList | TableList | SetDifference;
