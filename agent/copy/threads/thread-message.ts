import type { Fault } from '#core/faults/fault-points.ts';
import type { Span } from '#core/format/chain.ts';
import type { AttemptId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import type { CarriedFrames } from '#agent/copy/carrying.ts';
import type { AcknowledgedExtent, AcknowledgedPiece } from '#agent/copy/copy-request.ts';
import type { SharedCells } from './shared-control.ts';

/** First message to a thread: all it needs, once. */
export interface ThreadSettings {
  readonly cells: SharedCells;
  readonly pool: PoolAccess;
  readonly set: SetKeys;
  readonly attemptId: AttemptId;
  /** Channel of the nonce: unique among the threads of an attempt. */
  readonly channel: number;
  readonly threads: number;
  /** No piece is larger: K-110 resume buffer, in bytes. */
  readonly largestPiece: number;
  /** K-084: how long a thread waits for a pool that went away, in milliseconds; undefined = a few seconds. */
  readonly reconnectMs: number | undefined;
  /** zstd level, 0 = none. */
  readonly level: number;
  readonly pageBytes: number;
  /** Byte position of the begin LSN. */
  readonly beginAt: number;
  /** Where a test lets the process die. */
  readonly fault?: Fault | undefined;
}

/** A file as a thread sees it; `file` is the number the main thread knows it by. */
export interface FileOfUnit {
  readonly file: number;
  readonly absolute: string;
  readonly firstBlock: number | undefined;
}

/** Bytes of a file that are read, hashed and stored together: at most one extent. */
export interface ReadSpan extends Span {
  /** Hash of the bytes that an acknowledged piece of this set holds there; '' = none. */
  readonly known: string;
  /** Hash of the bytes that the base set has there; '' = none is known. */
  readonly base: string;
}

/** An extent of a file that an acknowledged piece holds. */
export interface KnownSpan extends Span {
  readonly hash: string;
}

/** A stretch of a file of which every page is read and the changed ones are stored. */
export interface ScanOfFile extends FileOfUnit {
  readonly from: number;
  readonly to: number;
  /** Bytes of the file in the base: what lies behind is stored whatever its LSN says. */
  readonly baseBytes: number;
  /** Rising. */
  readonly known: readonly KnownSpan[];
}

export type Unit =
  /** Neighbouring extents of a large file, or spans of several that share frames: small files, listed blocks. */
  | { readonly kind: 'spans'; readonly files: readonly (FileOfUnit & { readonly spans: readonly ReadSpan[] })[] }
  /** `since`: byte position of the begin LSN of the base. */
  | { readonly kind: 'scan'; readonly since: number; readonly files: readonly ScanOfFile[] }
  | { readonly kind: 'frames'; readonly task: CarriedFrames }
  | BytesUnit;

export interface BytesUnit {
  readonly kind: 'bytes';
  readonly of: FileOfUnit;
  readonly bytes: Uint8Array;
  /** By number of the extent, or empty. */
  readonly known: readonly string[];
  /** The thread gets the memory itself, no copy of it. */
  readonly isGivenAway: boolean;
}

export type ToThread =
  | { readonly kind: 'open'; readonly settings: ThreadSettings }
  | { readonly kind: 'flush' }
  | { readonly kind: 'unit'; readonly unit: Unit };

/** What became of (a part of) one file, apart from the extents that pieces report. */
export interface FileFact {
  readonly file: number;
  readonly isMissing: boolean;
  /** Offset at which the file ended before its scanned size. */
  readonly endsAt: number | undefined;
  /** Bytes that are all zero, and extents that an earlier piece holds: offset and length in the file. */
  readonly zeros: readonly Span[];
  readonly reused: readonly Span[];
  /** Bytes that are those of the base set. */
  readonly based: readonly Span[];
  readonly damagedBlocks: readonly number[];
  /** Pages that fail their checksum with an LSN (byte position) at or after the begin LSN. */
  readonly torn: readonly { readonly block: number; readonly lsnAt: number }[];
}

/** A piece that the pool holds durably; its files by number, as paths would be copied with every message. */
export interface SentPiece extends Pick<AcknowledgedPiece, 'piece' | 'frames'> {
  readonly extents: readonly (Omit<AcknowledgedExtent, 'path'> & { readonly file: number })[];
}

export type FromThread =
  /** Facts of those files that there is something to tell of. */
  | { readonly kind: 'unit-done'; readonly facts: readonly FileFact[] }
  | { readonly kind: 'piece'; readonly piece: SentPiece }
  | { readonly kind: 'flushed' }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly stack: string;
    };
