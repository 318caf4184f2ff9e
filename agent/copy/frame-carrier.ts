import { setImmediate as turn } from 'node:timers/promises';
import type { FrameLock } from '#agent/codec/frame.ts';
import { openFrame, sha256Hex } from '#agent/codec/frame.ts';
import { keyOfPiece } from '#agent/sets/read-frame.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { FrameOfSet } from '#core/format/meta.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { bytesOfParts } from './carried-units.ts';
import type { CarriedFrame, CarriedFrames, CarriedPart } from './carrying.ts';
import { FrameBundle } from './frame-bundle.ts';
import type { Pace } from './pace.ts';
import { transferPace } from './pace.ts';
import type { PieceWriter, SealedExtent } from './piece-writer.ts';
import { cell, shouldStop } from './threads/shared-control.ts';
import type { ThreadSettings } from './threads/thread-message.ts';

/** A frame as it was fetched, its SHA-256 checked. */
interface Fetched {
  readonly carried: CarriedFrame;
  readonly stored: Uint8Array;
  readonly lock: FrameLock;
}

/**
 * Carries frames of other sets of the pool over into this one. A frame that is wanted as it is keeps its packed bytes; what
 * is cut out of one is checked with the extent that it was a part of and gets a hash of its own. One per thread.
 */
export class FrameCarrier {
  readonly #settings: ThreadSettings;
  readonly #writer: PieceWriter;
  readonly #store: ObjectStore;
  readonly #bundle: FrameBundle;
  readonly #memory: PageMemory;
  readonly #transfer: Pace;

  constructor(settings: ThreadSettings, writer: PieceWriter, store: ObjectStore) {
    this.#settings = settings;
    this.#writer = writer;
    this.#store = store;
    this.#bundle = new FrameBundle(writer, settings.pageBytes);
    this.#memory = openPageMemory(settings.pageBytes);
    this.#transfer = transferPace(settings.cells);
  }

  /** Fetches the frames and gives the writer what is wanted of them. Throws `object_damaged`, `object_missing`, `cancelled`. */
  async carry({ set, piece, frames }: CarriedFrames): Promise<void> {
    const key = keyOfPiece(set, piece);
    const from = frames[0]?.frame.offset ?? 0;
    const bytes = await this.#fetch(key, from, endOf(frames) - from);
    for (const carried of frames) {
      if (shouldStop(this.#settings.cells)) throw fail('cancelled', { what: 'the copy' });
      const { offset, storedBytes } = carried.frame;
      const stored = bytes.subarray(offset - from, offset - from + storedBytes);
      const lock = frameLockOf(set, piece.attempt, key, offset);
      this.#demandSound(carried.frame, stored, lock);
      await this.#take({ carried, stored, lock });
      Atomics.add(this.#settings.cells, cell.bytesRead, BigInt(bytesOfParts(carried.parts)));
      // Why: a put needs turns of the event loop, and nothing here waits otherwise.
      if (this.#writer.isPending) await turn();
    }
  }

  /** Seals what waits for company. */
  seal(): Promise<void> {
    return this.#bundle.seal();
  }

  async #fetch(key: ObjectKey, from: number, length: number): Promise<Uint8Array> {
    await this.#transfer.take(length);
    return this.#store.get(key, { from, length });
  }

  #demandSound(frame: FrameOfSet, stored: Uint8Array, { object, offset }: FrameLock): void {
    if (stored.length === frame.storedBytes && sha256Hex(stored) === frame.sha256) return;
    const what = `the frame at offset ${String(offset)} does not have its recorded SHA-256`;
    throw fail('object_damaged', { pool: this.#settings.pool.name, object, what });
  }

  async #take(fetched: Fetched): Promise<void> {
    const { frame, isKept, parts } = fetched.carried;
    const isWhole = isKept && parts.every(({ hash }) => hash !== '');
    const raw = isWhole ? undefined : this.#open(fetched);
    const hashed = raw === undefined ? parts : this.#withHashes(fetched, raw);
    if (isKept) await this.#writer.carry({ ...fetched, rawBytes: frame.rawBytes }, hashed.map(extentOf));
    else if (raw !== undefined) await this.#bundleUp(raw, hashed);
  }

  #open({ stored, lock, carried: { frame } }: Fetched): Uint8Array {
    const raw = openFrame(stored, lock, this.#memory.bytes);
    if (raw.length !== frame.rawBytes) throw bug(`a frame of ${lock.object} has not its recorded raw length`);
    return raw;
  }

  /** Checks every extent that something is taken of, once, and hashes the cuts. */
  #withHashes({ carried }: Fetched, raw: Uint8Array): readonly CarriedPart[] {
    const { hashOf } = this.#memory;
    let checkedAt = -1;
    return carried.parts.map((part) => {
      const of = part.of ?? part;
      if (of.offset !== checkedAt && hashOf(raw.subarray(of.offset, of.offset + of.length)) !== of.hash)
        throw fail('extent_damaged', { path: part.path, offset: String(part.from) });
      checkedAt = of.offset;
      if (part.of === undefined) return part;
      return { ...part, hash: hashOf(raw.subarray(part.offset, part.offset + part.length)) };
    });
  }

  async #bundleUp(raw: Uint8Array, parts: readonly CarriedPart[]): Promise<void> {
    const { memory } = this.#bundle;
    for (const part of parts) {
      const at = await this.#bundle.room(part.length);
      memory.bytes.set(raw.subarray(part.offset, part.offset + part.length), at);
      this.#bundle.keep({ ...extentOf(part), offset: at });
    }
  }
}

const endOf = (frames: readonly CarriedFrame[]): number => {
  const last = frames[frames.length - 1]?.frame;
  return last === undefined ? 0 : last.offset + last.storedBytes;
};

const extentOf = ({ file, from, length, offset, hash }: CarriedPart): SealedExtent => ({
  ...{ file, from, length, offset, hash },
});
