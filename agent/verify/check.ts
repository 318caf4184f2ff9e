import type { Span } from '#core/format/chain.ts';
import type { Extent, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import type { LogSealer } from '#agent/sets/seal-log.ts';
import type { Damage } from '#agent/sets/piece-damage.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';

/** The part of a relation file that an extent holds, as its pages are judged. */
export interface PagesOfExtent {
  readonly path: string;
  /** Offset of the extent in its file. */
  readonly at: number;
  /** Block number, in its relation, of the first page of the file. */
  readonly firstBlock: number;
  /** What of the extent a restore reads, counted from its first byte; absent: all of it. */
  readonly spans?: readonly Span[];
  /** Blocks of the file that were damaged in the source already: the set says so, it is no damage of the pool. */
  readonly known: readonly number[];
}

export interface ExtentCheck {
  readonly extent: Extent;
  readonly pages?: PagesOfExtent;
}

export interface FrameCheck {
  readonly frame: FrameOfSet;
  readonly extents: readonly ExtentCheck[];
}

/** How pages of a set are judged. */
export interface PageRules {
  readonly pageBytes: number;
  /** Byte positions of begin and end of the backup: a torn page with an LSN between them is put right by the log (K-047). */
  readonly beginAt: number;
  readonly endAt: number;
}

/** A piece of a set with the frames that must be whole and what must be in them. Structured-cloneable. */
export interface PieceCheck {
  readonly kind: 'piece';
  readonly keys: SetKeys;
  readonly piece: PieceOfSet;
  readonly frames: readonly FrameCheck[];
  readonly rules?: PageRules;
}

/** A log segment as its batch names it. Structured-cloneable. */
export interface SegmentCheck {
  readonly kind: 'segment';
  readonly sealer: LogSealer;
  /** Name of the pool, for errors. */
  readonly pool: string;
  readonly object: string;
  readonly rawSha256: string;
  readonly storedSha256: string;
  readonly storedBytes: number;
}

export type Check = PieceCheck | SegmentCheck;

/** What one check found. Everything that is wrong is named; nothing is thrown for damage. */
export interface Checked {
  readonly damage: readonly Damage[];
  /** Stored bytes that were read. */
  readonly bytes: number;
  /** Pages whose checksum was computed. */
  readonly pages: number;
}

/** Does checks, wherever, and tells of each. Throws `cancelled` and what the pool throws. */
export interface CheckRunner {
  run(checks: Iterable<Check>, onChecked: (checked: Checked) => void): Promise<void>;
  close(): Promise<void>;
}
