import { setImmediate as turn } from 'node:timers/promises';
import { bug, fail } from '#core/errors/fail.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import { openFrame, sha256Hex } from '#agent/codec/frame.ts';
import { patienceOfThread } from '#agent/copy/outage.ts';
import type { Pace } from '#agent/copy/pace.ts';
import { diskPace, transferPace } from '#agent/copy/pace.ts';
import { cell, rateOf, shouldStop } from '#agent/copy/shared-control.ts';
import { openThreadStore } from '#agent/copy/thread-store.ts';
import { FileWriter } from '#agent/datadir/writer-files.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import type { FileEnd, FramePart, FrameTask, PieceTask, WriteSettings } from './write-message.ts';
import { bytesOfPart } from './write-message.ts';

/** Under a transfer limit a request asks for this much time of it, but never for less than so many bytes. */
const slowFetchSeconds = 0.5;
const leastFetchBytes = 256 * 1024;

/** One is filled while others are on their way to the disk. */
const roomCount = 3;

/** Memory in which a frame is unpacked and hashed, and from which it is written. */
interface Room {
  readonly memory: PageMemory;
  /** Settled when the disk has taken what lies here; then it may be used again. */
  writes: Promise<unknown>;
}

const done = Promise.resolve();

/** Of no meaning here: a restore checks hashes of extents, not of pages. */
const pageBytes = 8192;

/**
 * Takes pieces from the pool and writes what is wanted of them: SHA-256 of the stored frame, decryption, decompression,
 * then XXH3 of each extent before its bytes are written once, at their place.
 */
export class PieceRestorer {
  readonly #settings: WriteSettings;
  readonly #reader: ReturnType<typeof openThreadStore>;
  readonly #rooms: readonly Room[];
  #turn = 0;
  readonly #files: FileWriter;
  readonly #disk: Pace;
  readonly #transfer: Pace;
  readonly #expected = new Map<PieceTask, Promise<Uint8Array>>();

  constructor(settings: WriteSettings) {
    this.#settings = settings;
    const { pool, cells, reconnectMs } = settings;
    this.#reader = openThreadStore(pool, patienceOfThread(cells, reconnectMs));
    // Why: a failure belongs to the first piece, which awaits it; until then it must not count as unhandled.
    this.#reader.catch(() => undefined);
    this.#rooms = Array.from({ length: roomCount }, () => ({ memory: openPageMemory(pageBytes), writes: done }));
    this.#files = new FileWriter(settings);
    this.#disk = diskPace(settings.cells);
    this.#transfer = transferPace(settings.cells);
  }

  /** Begins to fetch a piece that will be restored soon, so that the pool works while this thread unpacks. */
  expect(task: PieceTask): void {
    if (this.#settings.isResumed) return;
    const bytes = this.#fetch(task);
    // Why: a failure belongs to `restore`, which awaits it; until then it must not count as unhandled.
    bytes.catch(() => undefined);
    this.#expected.set(task, bytes);
  }

  /** Restores one task; the stored bytes that were fetched. Throws `object_damaged`, `extent_damaged`, `object_missing`. */
  async restore(task: PieceTask): Promise<number> {
    const frames = this.#settings.isResumed ? await this.#missing(task.frames) : task.frames;
    if (frames.length === 0) return 0;
    const bytes = await (this.#expected.get(task) ?? this.#fetch(task));
    this.#expected.delete(task);
    for (const frame of frames) {
      await this.#write(task, frame, bytes);
      // Unpacking is synchronous: without turns of the event loop nothing would be fetched meanwhile.
      await turn();
    }
    return task.storedBytes;
  }

  /** Sends what large files got to the disk, while the next task is worked on. */
  async flush(): Promise<void> {
    await Promise.all(this.#rooms.map(({ writes }) => writes));
    await this.#files.flush();
  }

  /** Makes files whole and durable; how many. */
  async end(files: readonly FileEnd[]): Promise<number> {
    this.#refuseStopped();
    await this.#files.end(files);
    return files.length;
  }

  async #missing(frames: readonly FrameTask[]): Promise<readonly FrameTask[]> {
    const missing: FrameTask[] = [];
    for (const frame of frames) if (!(await this.#isThere(frame))) missing.push(frame);
    return missing;
  }

  async #isThere(frame: FrameTask): Promise<boolean> {
    const { memory } = await this.#freeRoom();
    // A part that is wanted in spans has bytes of another set between them: no hash tells whether they are there.
    const isThere = frame.parts.every((part) => part.spans === undefined && this.#files.holds(part.path, part, memory));
    if (isThere) this.#count(frame.parts);
    return isThere;
  }

  async #fetch(task: PieceTask): Promise<Uint8Array> {
    const [store, key] = [await this.#reader, parseObjectKey(task.object)];
    const parts: Uint8Array[] = [];
    for (let done = 0; done < task.storedBytes;) {
      const length = Math.min(task.storedBytes - done, this.#mostAtOnce());
      await this.#transfer.take(length);
      parts.push(await store.get(key, { from: task.from + done, length }));
      done += length;
    }
    const [whole, ...more] = parts;
    return whole === undefined || more.length > 0 ? Buffer.concat(parts) : whole;
  }

  /** Under a limit requests become smaller, so that the pool sees an even flow. */
  #mostAtOnce(): number {
    const { cells, threads, largestFetch } = this.#settings;
    const rate = rateOf(cells, cell.transferRate);
    if (rate === 0) return largestFetch;
    return Math.min(largestFetch, Math.max(leastFetchBytes, Math.floor((rate * slowFetchSeconds) / threads)));
  }

  async #write(task: PieceTask, frame: FrameTask, bytes: Uint8Array): Promise<void> {
    this.#refuseStopped();
    const stored = bytes.subarray(frame.offset - task.from, frame.offset - task.from + frame.storedBytes);
    const place = { pool: this.#settings.pool.poolId, object: task.object, offset: frame.offset };
    if (sha256Hex(stored) !== frame.sha256) {
      throw fail('object_damaged', {
        pool: this.#settings.pool.name,
        object: task.object,
        what: `the frame at offset ${String(frame.offset)} does not have its recorded SHA-256`,
      });
    }
    const room = await this.#freeRoom();
    const raw = openFrame(stored, task.key === undefined ? place : { ...place, key: task.key }, room.memory.bytes);
    for (const part of frame.parts) {
      const extent = raw.subarray(part.from, part.from + part.length);
      if (extent.length !== part.length || room.memory.hashOf(extent) !== part.hash)
        throw fail('extent_damaged', { path: part.path, offset: String(part.at) });
      for (const { from, length } of part.spans ?? [{ from: 0, length: part.length }]) {
        await this.#disk.take(length);
        this.#put(room, { path: part.path, at: part.at + from }, extent.subarray(from, from + length));
      }
    }
    this.#count(frame.parts);
  }

  #put(room: Room, { path, at }: Pick<FramePart, 'path' | 'at'>, extent: Uint8Array): void {
    if (!room.memory.isAligned(extent)) {
      this.#files.write(path, at, extent);
      return;
    }
    room.writes = Promise.all([room.writes, this.#files.writeAligned(path, at, extent)]);
    // Why: a failure belongs to whoever waits for the room; until then it must not count as unhandled.
    room.writes.catch(() => undefined);
  }

  /** The next room, when the disk has taken what was in it. Throws what became of that. */
  async #freeRoom(): Promise<Room> {
    const room = this.#rooms[this.#turn % roomCount];
    if (room === undefined) throw bug('a restore thread has no memory');
    this.#turn++;
    await room.writes;
    room.writes = done;
    return room;
  }

  #count(parts: readonly FramePart[]): void {
    const bytes = parts.reduce((sum, part) => sum + bytesOfPart(part), 0);
    Atomics.add(this.#settings.cells, cell.bytesRead, BigInt(bytes));
  }

  #refuseStopped(): void {
    if (shouldStop(this.#settings.cells)) throw fail('cancelled', { what: 'the restore' });
  }
}
