import type { Fault } from '#core/faults/fault-points.ts';
import type { Span } from '#core/format/chain.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { SharedCells } from '#agent/copy/threads/shared-control.ts';

/** First message to a thread: all it needs, once. */
export interface WriteSettings {
  readonly cells: SharedCells;
  readonly pool: PoolAccess;
  readonly uid: number;
  readonly gid: number;
  /** True: an earlier attempt wrote here; what already has the right hash is not fetched again. */
  readonly isResumed: boolean;
  /** True: another state of the same cluster stands here; of what differs only pages are written. */
  readonly isDelta: boolean;
  /** True: what cannot be read becomes zeros and is told. */
  readonly isDamageAccepted: boolean;
  /** Threads that share the limits. */
  readonly threads: number;
  /** K-110 resume buffer, in bytes: no request asks the pool for more. */
  readonly largestFetch: number;
  /** K-084: how long a thread waits for a pool that went away, in milliseconds; undefined = a few seconds. */
  readonly reconnectMs: number | undefined;
  /** Where a test lets the process die. */
  readonly fault?: Fault | undefined;
}

/** An extent of a frame that belongs to one file: it is checked whole, whatever is written of it. */
export interface FramePart {
  /** Number of the file, by which its sum is told. */
  readonly file: number;
  readonly path: string;
  /** Offset in the file. */
  readonly at: number;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
  /** Offset in the raw frame. */
  readonly from: number;
  readonly length: number;
  /** 128-bit XXH3 as hex. */
  readonly hash: string;
  /** What is written of it, counted from its first byte: a newer set has the rest. Absent: all of it. */
  readonly spans?: readonly Span[] | undefined;
}

/** Bytes of a part that are written. */
export const bytesOfPart = ({ length, spans }: FramePart): number =>
  spans === undefined ? length : spans.reduce((sum, span) => sum + span.length, 0);

export interface FrameTask {
  /** Of its header in the piece. */
  readonly offset: number;
  readonly storedBytes: number;
  readonly sha256: string;
  readonly parts: readonly FramePart[];
}

/** Neighbouring frames of one piece with everything that is wanted from them. */
export interface PieceTask {
  readonly object: string;
  /** Where the first frame begins in the piece. */
  readonly from: number;
  /** Bytes from there to the end of the last frame. */
  readonly storedBytes: number;
  /** True for the last task of its piece. */
  readonly isLast: boolean;
  /** Subkey of the attempt that wrote the piece, in encrypted pools. */
  readonly key?: Uint8Array | undefined;
  readonly frames: readonly FrameTask[];
}

/** A file whose bytes are all written: it gets its length, owner, mode and time, and becomes durable. */
export interface FileEnd {
  readonly path: string;
  /** Its name in the set. */
  readonly member: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeMs: number;
}

/** Bytes of a file that are zero and stored nowhere. */
export interface ZeroSpan {
  readonly path: string;
  readonly at: number;
  readonly length: number;
}

/** Bytes of a file that could not be read and became zeros. */
export interface ZeroedSpan extends ZeroSpan {
  readonly why: string;
}

/** What became of the pieces or zeros of one message. */
export interface Placed {
  /** Stored bytes that were fetched. */
  readonly storedBytes: number;
  /** Bytes that were put into files; of a delta only those of pages that differed. */
  readonly writtenBytes: number;
  /** Of all bytes of the task, also of those that stood there already. */
  readonly sums: CrcSums;
  readonly zeroed: readonly ZeroedSpan[];
}

export const nothingPlaced: Placed = { storedBytes: 0, writtenBytes: 0, sums: new Map(), zeroed: [] };

export type ToWriter =
  | { readonly kind: 'open'; readonly settings: WriteSettings }
  | { readonly kind: 'piece'; readonly task: PieceTask }
  | { readonly kind: 'zeros'; readonly spans: readonly ZeroSpan[] }
  | { readonly kind: 'end'; readonly files: readonly FileEnd[] };

/** Number of a file → XOR of the CRC-32C of parts, each shifted to the end of its file (core/restore/crc-sum.ts). */
export type CrcSums = ReadonlyMap<number, number>;

export type FromWriter =
  | ({ readonly kind: 'done'; readonly pieces: number; readonly files: number } & Placed)
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly params: Readonly<Record<string, string>>;
      readonly stack: string;
    };
