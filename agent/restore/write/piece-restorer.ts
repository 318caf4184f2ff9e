import { setImmediate as turn } from 'node:timers/promises';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import { openFrame, sha256Hex } from '#agent/codec/frame.ts';
import { patienceOfThread } from '#agent/copy/outage.ts';
import type { Pace } from '#agent/copy/pace.ts';
import { diskPace, transferPace } from '#agent/copy/pace.ts';
import { cell, rateOf, shouldStop } from '#agent/copy/threads/shared-control.ts';
import { openThreadStore } from '#agent/copy/threads/thread-store.ts';
import { FileWriter } from '#agent/datadir/writer-files.ts';
import { CrcTally } from '#agent/manifest/crc-tally.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import { differingRuns } from './differing-pages.ts';
import type {
  FileEnd,
  FramePart,
  FrameTask,
  PieceTask,
  Placed,
  WriteSettings,
  ZeroSpan,
  ZeroedSpan,
} from './write-message.ts';
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

/** The stretch of a piece that holds some of its frames, which are in order. */
function spanOf(frames: readonly FrameTask[]): Pick<PieceTask, 'from' | 'storedBytes'> {
  const from = frames[0]?.offset ?? 0;
  const last = frames.at(-1);
  return { from, storedBytes: last === undefined ? 0 : last.offset + last.storedBytes - from };
}

/** What must be fetched of a task. */
type Wanted = Pick<PieceTask, 'object' | 'from' | 'storedBytes'>;

/** Damage of the pool: other errors say nothing about the set. */
const ofDamage = new Set<string>(['object_damaged', 'object_short', 'object_missing', 'extent_damaged']);

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
  readonly #tally = new CrcTally();
  /** What stands at a place before it is written over. */
  readonly #found: PageMemory | undefined;
  /** Files may hold other bytes already. */
  readonly #isLookedAt: boolean;
  #writtenBytes = 0;
  #zeroed: ZeroedSpan[] = [];
  readonly #expected = new Map<PieceTask, Promise<Uint8Array>>();

  constructor(settings: WriteSettings) {
    this.#settings = settings;
    const { pool, cells, reconnectMs, isResumed, isDelta } = settings;
    this.#reader = openThreadStore(pool, patienceOfThread(cells, reconnectMs));
    // Why: a failure belongs to the first piece, which awaits it; until then it must not count as unhandled.
    this.#reader.catch(() => undefined);
    this.#rooms = Array.from({ length: roomCount }, () => ({ memory: openPageMemory(pageBytes), writes: done }));
    this.#files = new FileWriter(settings);
    this.#isLookedAt = isResumed || isDelta;
    this.#found = isDelta ? openPageMemory(pageBytes) : undefined;
    this.#disk = diskPace(settings.cells);
    this.#transfer = transferPace(settings.cells);
  }

  /** Begins to fetch a piece that will be restored soon, so that the pool works while this thread unpacks. */
  expect(task: PieceTask): void {
    if (this.#isLookedAt) return;
    const bytes = this.#fetch(task);
    // Why: a failure belongs to `restore`, which awaits it; until then it must not count as unhandled.
    bytes.catch(() => undefined);
    this.#expected.set(task, bytes);
  }

  /** Restores one task. Throws `object_damaged`, `extent_damaged`, `object_missing`. */
  async restore(task: PieceTask): Promise<Placed> {
    const frames = this.#isLookedAt ? await this.#missing(task.frames) : task.frames;
    if (frames.length === 0) return this.#placed(0);
    const wanted = this.#isLookedAt ? { ...task, ...spanOf(frames) } : task;
    const bytes = await this.#bytesOf(task, wanted);
    for (const frame of frames) {
      await this.#restoreFrame(task, frame, { bytes, from: wanted.from });
      // Unpacking is synchronous: without turns of the event loop nothing would be fetched meanwhile.
      await turn();
    }
    return this.#placed(wanted.storedBytes);
  }

  /** Makes bytes of files zero that are not. A file that ends before gets them with its length. */
  async clear(spans: readonly ZeroSpan[]): Promise<Placed> {
    const { memory } = await this.#freeRoom();
    for (const { path, at, length: whole } of spans) {
      const length = Math.min(whole, this.#files.sizeOf(path) - at);
      for (let done = 0; done < length; done += memory.bytes.length) {
        const span = { at: at + done, length: Math.min(memory.bytes.length, length - done) };
        const found = this.#files.read(path, span, memory);
        if (found === undefined || memory.isZero(0, found.length)) continue;
        await this.#disk.take(span.length);
        this.#files.write(path, span.at, found.fill(0));
        this.#writtenBytes += span.length;
      }
    }
    return this.#placed(0);
  }

  /** What was done since the last call. */
  #placed(storedBytes: number): Placed {
    const placed = { storedBytes, writtenBytes: this.#writtenBytes, sums: this.#tally.take(), zeroed: this.#zeroed };
    this.#writtenBytes = 0;
    this.#zeroed = [];
    return placed;
  }

  /** The stored bytes of a task; undefined when damage is accepted and they cannot be had as a whole: frames may be. */
  async #bytesOf(task: PieceTask, wanted: Wanted): Promise<Uint8Array | undefined> {
    try {
      return await (this.#expected.get(task) ?? this.#fetch(wanted));
    } catch (error) {
      if (!this.#isAccepted(error)) throw error;
      return undefined;
    } finally {
      this.#expected.delete(task);
    }
  }

  async #restoreFrame(
    task: PieceTask,
    frame: FrameTask,
    { bytes, from }: { readonly bytes: Uint8Array | undefined; readonly from: number },
  ): Promise<void> {
    try {
      const { object } = task;
      const stored =
        bytes === undefined
          ? await this.#fetch({ object, from: frame.offset, storedBytes: frame.storedBytes })
          : bytes.subarray(frame.offset - from, frame.offset - from + frame.storedBytes);
      await this.#write(task, frame, stored);
    } catch (error) {
      if (!this.#isAccepted(error)) throw error;
      for (const part of frame.parts) this.#zero(part, error);
      this.#count(frame.parts);
    }
  }

  #isAccepted(error: unknown): error is HoldfastError {
    return this.#settings.isDamageAccepted && error instanceof HoldfastError && ofDamage.has(error.code);
  }

  /** Zeros instead of what cannot be read: the server takes a page of zeros for a new one, whatever its checksums say. */
  #zero({ path, at: begin, length: whole, spans }: FramePart, error: HoldfastError): void {
    for (const { from, length } of spans ?? [{ from: 0, length: whole }]) {
      const at = begin + from;
      this.#files.write(path, at, new Uint8Array(length));
      this.#writtenBytes += length;
      this.#zeroed.push({ path, at, length, why: error.message });
    }
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
    const sums: number[] = [];
    for (const part of frame.parts) {
      // A part that is wanted in spans has bytes of another set between them: no hash tells whether they are there.
      const found = part.spans === undefined ? this.#files.read(part.path, part, memory) : undefined;
      if (found === undefined || memory.hashOf(found) !== part.hash) return false;
      sums.push(memory.crcOf(found));
    }
    frame.parts.forEach((part, i) => {
      this.#tally.add(part, part.length, sums[i] ?? 0);
    });
    this.#count(frame.parts);
    return true;
  }

  async #fetch(task: Wanted): Promise<Uint8Array> {
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

  async #write(task: PieceTask, frame: FrameTask, stored: Uint8Array): Promise<void> {
    this.#refuseStopped();
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
    }
    for (const part of frame.parts) {
      const extent = raw.subarray(part.from, part.from + part.length);
      for (const { from, length } of part.spans ?? [{ from: 0, length: part.length }]) {
        const bytes = extent.subarray(from, from + length);
        const place = { file: part.file, path: part.path, at: part.at + from, fileBytes: part.fileBytes };
        this.#tally.add(place, length, room.memory.crcOf(bytes));
        await this.#place(room, place, bytes);
      }
    }
    this.#count(frame.parts);
  }

  /** Writes all of it, or in a delta what differs from what stands there. */
  async #place(room: Room, { path, at }: Pick<FramePart, 'path' | 'at'>, bytes: Uint8Array): Promise<void> {
    const found = this.#found;
    const runs =
      found === undefined
        ? [{ from: 0, length: bytes.length }]
        : differingRuns(this.#files.read(path, { at, length: bytes.length }, found), bytes);
    for (const { from, length } of runs) {
      await this.#disk.take(length);
      this.#put(room, { path, at: at + from }, bytes.subarray(from, from + length));
      this.#writtenBytes += length;
    }
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
