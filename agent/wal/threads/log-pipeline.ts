import type { BlockReferences } from '#core/changed/block-references.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import type { LogName, LogSealer, SealedLog } from '#agent/sets/seal-log.ts';

/** One file of the archive in memory, until it is let go. */
export interface HeldSegment {
  /** What was read of it: all, unless the file is longer than `fileBytes` of its kind can be. */
  readonly bytes: Uint8Array;
  readonly fileBytes: number;
  readonly slot: number;
}

/** What the records of a segment say. */
export interface CheckedSegment {
  /** Undefined when the bytes do not begin with a log page that we know. */
  readonly reading: SegmentReading | undefined;
  readonly references: BlockReferences;
}

/** The heavy part of a log backup: reads and checks segments in order, seals them in any. Nothing of it decides. */
export interface LogPipeline {
  /** How many segments may be under way beside the one that is read; 0: each is finished before the next is read. */
  readonly ahead: number;
  /** Undefined when the file is gone. Throws `archive_directory_unreadable`. */
  read(file: string): Promise<HeldSegment | undefined>;
  /** SHA-256 of the bytes in hex. */
  hash(held: HeldSegment): Promise<string>;
  /** Shows the reader of `check` a segment that was committed before. */
  prime(bytes: Uint8Array): Promise<void>;
  /** Checks every record. Segments of one branch in order of log. */
  check(held: HeldSegment): Promise<CheckedSegment>;
  /** What it answers is valid until the segment is sealed again or let go. */
  seal(log: LogName, held: HeldSegment): Promise<SealedLog>;
  release(held: HeldSegment): void;
  close(): Promise<void>;
}

export interface PipelineRequest {
  readonly pool: LogSealer;
  /** zstd 1–22 or 0. */
  readonly level: number;
  /** K-081, 1–255. */
  readonly channels: number;
  /** Whether a body that was handed to the pool is read by nobody any more when the put has failed. */
  readonly isPutAtOnce: boolean;
  /** Sizes of the files that will probably be stored. */
  readonly sizes: readonly number[];
}
