import type { AttemptId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import type { AcknowledgedPiece } from './copy-request.ts';
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
  /** zstd level, 0 = none. */
  readonly level: number;
  readonly pageBytes: number;
  /** Byte position of the begin LSN. */
  readonly beginAt: number;
}

/** A file as a thread sees it; `file` is the number the main thread knows it by. */
export interface FileOfUnit {
  readonly file: number;
  readonly path: string;
  readonly absolute: string;
  readonly firstBlock: number | undefined;
}

/** Extent hashes that earlier pieces hold, by extent number from the begin of the unit; '' = none. */
export type KnownHashes = readonly string[];

export type Unit =
  | {
      readonly kind: 'run';
      readonly of: FileOfUnit;
      readonly from: number;
      readonly to: number;
      readonly known: KnownHashes;
    }
  | {
      readonly kind: 'batch';
      readonly files: readonly (FileOfUnit & { readonly sizeBytes: number; readonly known: string })[];
    }
  | { readonly kind: 'bytes'; readonly of: FileOfUnit; readonly bytes: Uint8Array; readonly known: KnownHashes };

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
  /** Extents that are all zero, and extents that an earlier piece holds: offset and length in the file. */
  readonly zeros: readonly Span[];
  readonly reused: readonly Span[];
  readonly damagedBlocks: readonly number[];
  /** Pages that fail their checksum with an LSN (byte position) at or after the begin LSN. */
  readonly torn: readonly { readonly block: number; readonly lsnAt: number }[];
}

export interface Span {
  readonly from: number;
  readonly length: number;
}

export type FromThread =
  | { readonly kind: 'unit-done'; readonly facts: readonly FileFact[] }
  | { readonly kind: 'piece'; readonly piece: AcknowledgedPiece; readonly files: readonly number[] }
  | { readonly kind: 'flushed' }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly stack: string;
    };
