/** Fork numbers as log records and the SQL summaries have them (`relpath.h`). */
export const mainFork = 0;
export const fsmFork = 1;

/** One block of one fork, or the first block of a range without end. Blocks count from the begin of the fork. */
export interface BlockReference {
  readonly tablespace: number;
  /** 0 in the shared tablespace. */
  readonly database: number;
  /** Relation file number. */
  readonly number: number;
  /** 0 main, 1 free space map, 2 visibility map, 3 init. */
  readonly fork: number;
  readonly block: number;
}

/**
 * Why changes may be missing although every record was read: `minimal` the server wrote no more than wal_level minimal
 * asks for, `unknown-record` a record has a shape that PostgreSQL 12–18 do not write.
 */
export type Unlisted = 'minimal' | 'unknown-record';

/**
 * Hears what records do to relation files (engine.md §B). The reference is valid only during the call: the reader fills
 * one object again and again.
 */
export interface BlockSink {
  /** A record names this block. */
  block(reference: BlockReference): void;
  /** The fork was created, truncated or dropped: from this block on nothing of before is left. */
  limit(reference: BlockReference): void;
  /** The database was created in this tablespace by a copy of files, or dropped: nothing of before is left. */
  database(tablespace: number, database: number): void;
  /** From the byte position `at` on, changes may exist that no record names. */
  unlisted(at: number, why: Unlisted): void;
}
