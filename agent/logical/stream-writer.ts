import { bug } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import { logicalPieceKey } from '#core/format/object-key.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { AttemptId } from '#core/id.ts';
import type { FrameOfStream, LogicalStream, PieceOfLogicalSet, StreamContent } from '#core/logical/meta.ts';
import { frameBound, sealFrame } from '#agent/codec/frame.ts';
import { hash128, sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';

/** Raw bytes of a frame: one turn of the event loop is spent on sealing so much. */
export const streamFrameBytes = 1024 * 1024;

/** What the channels of an attempt share. */
export interface WritingAttempt {
  readonly pool: Pool;
  readonly keys: SetKeys;
  readonly attemptId: AttemptId;
  /** zstd level 1–22, 0: as they are. */
  readonly level: number;
  /** No piece is larger (K-110). */
  readonly largestPiece: number;
  /** From 1, each once. */
  readonly nextPiece: () => number;
  /** Where a test lets the agent die. */
  readonly faults?: Faults | undefined;
  /** A piece is in the pool, durably. */
  readonly onPiece: (piece: PieceOfLogicalSet) => void;
}

/** A frame whose piece is known by its number; the index comes when all pieces are there. */
type PlacedFrame = Omit<FrameOfStream, 'pieceIndex'> & { readonly piece: number };

/** A stream that was written. */
export interface WrittenStream extends Omit<LogicalStream, 'frames'> {
  readonly frames: readonly PlacedFrame[];
}

interface OpenPiece {
  readonly number: number;
  readonly key: ObjectKey;
  readonly frames: Uint8Array[];
  bytes: number;
}

/**
 * Writes the streams of one channel, one after another, into pieces of its own: frames of several streams share a piece. What
 * comes is never on a disk but in the pool, and encrypted there when the pool is. Memory: one frame and one piece.
 */
export class StreamWriter {
  readonly #attempt: WritingAttempt;
  readonly #channel: number;
  /** Made when the first byte comes: not every channel has work. */
  #gathered: Uint8Array | undefined;
  #filled = 0;
  #counter = 0;
  #piece: OpenPiece | undefined;
  #frames: PlacedFrame[] = [];
  #rawBytes = 0;

  /** `channel` and a counter are the nonce: no two writers of an attempt have the same. */
  constructor(attempt: WritingAttempt, channel: number) {
    this.#attempt = attempt;
    this.#channel = channel;
  }

  /** Takes bytes of the stream that is open. Throws what the pool throws. */
  async write(chunk: Uint8Array): Promise<void> {
    const gathered = (this.#gathered ??= new Uint8Array(streamFrameBytes));
    for (let at = 0; at < chunk.length;) {
      const some = chunk.subarray(at, at + streamFrameBytes - this.#filled);
      gathered.set(some, this.#filled);
      this.#filled += some.length;
      at += some.length;
      if (this.#filled === streamFrameBytes) await this.#seal();
    }
  }

  /** Ends the stream that is open; the next bytes are those of another. */
  async end(database: string, content: StreamContent): Promise<WrittenStream> {
    await this.#seal();
    const written = { database, content, rawBytes: this.#rawBytes, frames: this.#frames };
    this.#frames = [];
    this.#rawBytes = 0;
    return written;
  }

  /** Puts what waits for company. Throws what the pool throws. */
  async flush(): Promise<void> {
    const piece = this.#piece;
    if (piece === undefined) return;
    this.#piece = undefined;
    const { pool, attemptId, onPiece } = this.#attempt;
    // Why: the key names this attempt and a number that nobody else has.
    if ((await pool.store.putIfAbsent(piece.key, Buffer.concat(piece.frames, piece.bytes))) === 'exists')
      throw bug(`another object lies under ${piece.key}`);
    reach(this.#attempt, 'logical.after-piece');
    await pool.store.barrier([piece.key]);
    onPiece({ piece: piece.number, attempt: attemptId, storedBytes: piece.bytes });
  }

  async #seal(): Promise<void> {
    if (this.#gathered === undefined || this.#filled === 0) return;
    const { keys, attemptId, level, largestPiece } = this.#attempt;
    const raw = this.#gathered.subarray(0, this.#filled);
    if (this.#piece !== undefined && this.#piece.bytes + frameBound(raw.length) > largestPiece) await this.flush();
    const piece = (this.#piece ??= this.#open());
    const lock = frameLockOf(keys, attemptId, piece.key, piece.bytes);
    const stored = sealFrame(raw, { ...lock, level, channel: this.#channel, counter: this.#counter++ });
    const place = { piece: piece.number, offset: piece.bytes, storedBytes: stored.length, rawBytes: raw.length };
    this.#frames.push({ ...place, sha256: sha256Hex(stored), hash: hash128(raw) });
    piece.frames.push(stored);
    piece.bytes += stored.length;
    this.#rawBytes += raw.length;
    this.#filled = 0;
  }

  #open(): OpenPiece {
    const number = this.#attempt.nextPiece();
    return {
      number,
      key: logicalPieceKey(this.#attempt.keys.setId, this.#attempt.attemptId, number),
      frames: [],
      bytes: 0,
    };
  }
}

/** Streams with the index of their pieces, which all are there. */
export function placedStreams(
  written: readonly WrittenStream[],
  pieces: readonly PieceOfLogicalSet[],
): readonly LogicalStream[] {
  const indexOf = new Map(pieces.map(({ piece }, index) => [piece, index]));
  return written.map((stream) => ({
    ...stream,
    frames: stream.frames.map(({ piece, ...frame }) => {
      const pieceIndex = indexOf.get(piece);
      if (pieceIndex === undefined) throw bug(`piece ${String(piece)} was never put`);
      return { pieceIndex, ...frame };
    }),
  }));
}
