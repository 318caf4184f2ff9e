import type { FrameLock, FrameSeal } from '#agent/codec/frame.ts';
import { dieAt } from '#agent/faults/die-at.ts';
import { frameBound, resealFrameInto, sealFrameInto, sha256Hex } from '#agent/codec/frame.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';
import { extentBytes } from '#agent/wasm/page-memory.ts';
import { bug } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { AcknowledgedPiece } from './copy-request.ts';
import type { Pace } from './pace.ts';
import { transferPace } from './pace.ts';
import { cell, rateOf } from './threads/shared-control.ts';
import type { SentPiece, ThreadSettings } from './threads/thread-message.ts';

/** Frames never straddle pieces: a piece is put when it has so many bytes that the next frame might not fit. */
const fullPieceBytes = ({ largestPiece }: ThreadSettings): number => largestPiece - frameBound(extentBytes);
/** Under a transfer limit pieces become smaller, so that the pool sees an even flow: this much time of the limit. */
const slowPieceSeconds = 0.5;
const leastPieceBytes = 256 * 1024;
/** A piece of small files that pack well would hold so many that its message and its line in the journal cost memory. */
const mostExtents = 4096;

/** An extent on its way into a frame; `file` is the number of the file in messages. */
export type SealedExtent = Omit<SentPiece['extents'][number], 'frame'>;

interface OpenPiece {
  readonly number: number;
  readonly key: ObjectKey;
  readonly buffer: Uint8Array;
  bytes: number;
  readonly frames: AcknowledgedPiece['frames'][number][];
  readonly extents: SentPiece['extents'][number][];
}

/** Tells the main thread of a piece that the pool holds durably. */
export type PieceListener = (piece: SentPiece) => void;

/**
 * Seals frames into a piece buffer and puts full pieces. At most one put is under way a thread: memory is bounded by two
 * buffers. A piece is acknowledged only after the barrier of its store (fsync of file and directories).
 */
export class PieceWriter {
  readonly #settings: ThreadSettings;
  readonly #store: ObjectStore;
  readonly #onPiece: PieceListener;
  readonly #pace: Pace;
  readonly #step: { readonly faults: Faults | undefined };
  readonly #free: Uint8Array[] = [];
  #open: OpenPiece | undefined;
  #counter = 0;
  /** The bytes of the last piece are on their way; its buffer comes back when this resolves. */
  #sent: Promise<void> = Promise.resolve();
  /** The last piece is being made durable and acknowledged. Never rejects: `#failure` keeps why. */
  #acknowledged: Promise<void> = Promise.resolve();
  #pending = 0;
  #failure: Error | undefined;

  constructor(settings: ThreadSettings, store: ObjectStore, onPiece: PieceListener) {
    this.#settings = settings;
    this.#store = store;
    this.#onPiece = onPiece;
    this.#pace = transferPace(settings.cells);
    this.#step = { faults: dieAt(settings.fault) };
    const buffers = settings.pool.place.kind === 'local' ? 1 : 2;
    for (let i = 0; i < buffers; i++) this.#free.push(new Uint8Array(settings.largestPiece));
  }

  /** Seals one frame of at most 1 MiB that holds `extents`. Resolves when the next may come. */
  append(raw: Uint8Array, extents: readonly SealedExtent[]): Promise<void> {
    return this.#add(raw.length, extents, (target, seal) => sealFrameInto(target, raw, seal));
  }

  /** Takes a frame of another set of at most 1 MiB raw as it is packed; `lock` opens it, its SHA-256 was checked. */
  carry(
    { stored, lock, rawBytes }: { readonly stored: Uint8Array; readonly lock: FrameLock; readonly rawBytes: number },
    extents: readonly SealedExtent[],
  ): Promise<void> {
    return this.#add(rawBytes, extents, (target, seal) => resealFrameInto(target, stored, lock, seal));
  }

  async #add(
    rawBytes: number,
    extents: readonly SealedExtent[],
    sealInto: (target: Uint8Array, seal: FrameSeal) => number,
  ): Promise<void> {
    const piece = this.#open ?? (await this.#begin());
    const target = piece.buffer.subarray(piece.bytes);
    const storedBytes = sealInto(target, this.#sealOf(piece));
    const frame = piece.frames.length;
    const sha256 = sha256Hex(target.subarray(0, storedBytes));
    piece.frames.push({ offset: piece.bytes, storedBytes, rawBytes, sha256 });
    for (const extent of extents) piece.extents.push({ ...extent, frame });
    piece.bytes += storedBytes;
    await this.#pace.take(storedBytes);
    if (piece.bytes >= this.#fullAt() || piece.extents.length >= mostExtents) await this.#put(piece);
  }

  /** Puts what is open and resolves when everything is acknowledged. Throws what a put failed with. */
  async flush(): Promise<void> {
    if (this.#open !== undefined) await this.#put(this.#open);
    await this.#acknowledged;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** True while a put or a barrier needs turns of the event loop. */
  get isPending(): boolean {
    return this.#pending > 0;
  }

  readonly #keepFailure = (error: unknown): void => {
    this.#failure ??= error instanceof Error ? error : bug(`a put failed with ${String(error)}`, error);
  };

  async #begin(): Promise<OpenPiece> {
    if (this.#free.length === 0) await this.#sent;
    if (this.#failure !== undefined) throw this.#failure;
    const buffer = this.#free.pop();
    if (buffer === undefined) throw bug('a thread has no piece buffer left');
    const number = Number(Atomics.add(this.#settings.cells, cell.nextPiece, 1n));
    const key = pieceKey(this.#settings.set.setId, this.#settings.attemptId, number);
    this.#open = { number, key, buffer, bytes: 0, frames: [], extents: [] };
    return this.#open;
  }

  #sealOf(piece: OpenPiece): FrameSeal {
    const { set, attemptId, level, channel } = this.#settings;
    const nonce = { channel, counter: this.#counter++ };
    return { ...frameLockOf(set, attemptId, piece.key, piece.bytes), level, ...nonce };
  }

  #fullAt(): number {
    const rate = rateOf(this.#settings.cells, cell.transferRate);
    const most = fullPieceBytes(this.#settings);
    if (rate === 0) return most;
    return Math.min(most, Math.max(leastPieceBytes, (rate * slowPieceSeconds) / this.#settings.threads));
  }

  async #put(piece: OpenPiece): Promise<void> {
    this.#open = undefined;
    await this.#acknowledged;
    if (this.#failure !== undefined) throw this.#failure;
    this.#pending++;
    this.#sent = this.#send(piece).catch(this.#keepFailure);
    this.#acknowledged = this.#sent
      .then(() => this.#acknowledge(piece))
      .catch(this.#keepFailure)
      .finally(() => {
        this.#pending--;
      });
  }

  async #send(piece: OpenPiece): Promise<void> {
    const body = piece.buffer.subarray(0, piece.bytes);
    reach(this.#step, 'backup.before-put');
    const outcome = await this.#store.putIfAbsent(piece.key, body);
    reach(this.#step, 'backup.after-put');
    if (outcome === 'exists') await this.#compare(piece.key, body);
    this.#free.push(piece.buffer);
  }

  /** A put whose answer was lost finds its own object; anything else under our key would lose data. */
  async #compare(key: ObjectKey, body: Uint8Array): Promise<void> {
    const there = await this.#store.get(key);
    if (Buffer.compare(there, body) !== 0) throw bug(`another object lies under ${key}`);
  }

  async #acknowledge(piece: OpenPiece): Promise<void> {
    if (this.#failure !== undefined) return;
    await this.#store.barrier([piece.key]);
    reach(this.#step, 'backup.after-barrier');
    const { number, bytes, frames, extents } = piece;
    this.#onPiece({ piece: { piece: number, attempt: this.#settings.attemptId, storedBytes: bytes }, frames, extents });
  }
}
