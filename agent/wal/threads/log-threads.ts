import { availableParallelism } from 'node:os';
import { BlockReferences } from '#core/changed/block-references.ts';
import { parseReferenceLines } from '#core/changed/reference-lines.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { LogName, LogSealer, SealedLog } from '#agent/sets/seal-log.ts';
import { keyOfLog, sealedLogBound } from '#agent/sets/seal-log.ts';
import { logMemoryBytes, openLogMemory, slotOf } from '#agent/wasm/log-memory.ts';
import { AskedThread } from './asked.ts';
import { openInlineLog } from './inline-log.ts';
import type {
  CheckAnswer,
  ReadAnswer,
  Sealed,
  SealSettings,
  SharedLog,
  SlotBytes,
  ToScan,
  ToSeal,
} from './log-message.ts';
import type { CheckedSegment, HeldSegment, LogPipeline, PipelineRequest } from './log-pipeline.ts';
import type { LogRoom } from './log-rooms.ts';
import { logRooms } from './log-rooms.ts';

/** Below this many segments starting threads takes longer than they save. */
const fewestSegments = 4;
/** Segments of more are taken one at a time: memory counts more than time. */
const largestSegment = 64 * 1024 * 1024;
/** Segments a sealing thread may hold: one in work, one so that it never waits. */
const heldByThread = 2;
/** With one, threads would wait for each other. */
const fewestSlots = 2;
const mib = 1024 * 1024;

/**
 * Memory for segments, what they are sealed into, and copies of that for a network, but for less than 1 % of room around
 * them: with two channels 160 MiB, with many at most 640 (design §9).
 */
const roomFor = (channels: number): number => Math.min(640, 96 + 32 * channels) * mib;

/** Opens the way that fits the work: threads when there are many segments, else everything here. The caller closes it. */
export function openLogPipeline(request: PipelineRequest): LogPipeline {
  const { sizes, channels, isPutAtOnce } = request;
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  if (sizes.length < fewestSegments || largest > largestSegment || largest === 0) return openInlineLog(request);
  const buffers = isPutAtOnce ? 2 : 3;
  const slots = Math.floor(roomFor(channels) / (buffers * largest));
  return slots < fewestSlots ? openInlineLog(request) : new LogThreads(request, largest, slots);
}

/** One thread reads and checks, as many as there are channels and processors seal; segments lie in memory that all of them see. */
class LogThreads implements LogPipeline {
  readonly ahead: number;
  readonly #request: PipelineRequest;
  readonly #room: LogRoom;
  readonly #slots: number;
  readonly #shared: SharedLog;
  readonly #scan: AskedThread<ToScan, unknown>;
  readonly #seals: readonly AskedThread<ToSeal, Sealed>[];
  readonly #free: number[];
  #next = 0;
  #haveThreadsEnded = false;

  /** There is memory for `most` segments of at most `largest` bytes. */
  constructor(request: PipelineRequest, largest: number, most: number) {
    const { channels, pool, level } = request;
    const count = Math.min(channels, availableParallelism());
    const sealedBytes = sealedLogBound(largest);
    const slots = Math.min(1 + count * heldByThread, most);
    this.#room = logRooms.take({ memory: logMemoryBytes(slots, largest), sealed: slots * sealedBytes });
    const memory = openLogMemory(slots, largest, this.#room.memory);
    this.#request = request;
    this.#slots = slots;
    this.#shared = { memory, sealed: this.#room.sealed, sealedBytes };
    this.#free = Array.from({ length: slots }, (_, slot) => slot);
    this.ahead = slots - 1;
    this.#scan = new AskedThread('scan-thread', memory);
    // Only what seals: a pool cannot be sent to a thread.
    const sealer: LogSealer = pool.key === undefined ? { id: pool.id } : { id: pool.id, key: pool.key };
    const settings: SealSettings = { shared: this.#shared, pool: sealer, level };
    this.#seals = Array.from({ length: Math.min(count, this.ahead) }, () => new AskedThread('seal-thread', settings));
  }

  async read(file: string): Promise<HeldSegment | undefined> {
    const slot = this.#free.pop();
    if (slot === undefined) throw bug('more segments are held than there is room for');
    const { bytes, why } = await this.#fill(file, slot);
    if (why !== undefined) throw fail('archive_directory_unreadable', { directory: file, why });
    if (bytes === undefined) return undefined;
    return { bytes: slotOf(this.#shared.memory, slot).subarray(0, bytes), fileBytes: bytes, slot };
  }

  /** Lets go of a slot that holds nothing. */
  async #fill(file: string, slot: number): Promise<ReadAnswer> {
    let answer: ReadAnswer = {};
    try {
      answer = (await this.#scan.ask({ kind: 'read', file, slot })) as ReadAnswer;
      return answer;
    } finally {
      if (answer.bytes === undefined) this.#letGo(slot);
    }
  }

  async hash(held: HeldSegment): Promise<string> {
    return (await this.#scan.ask({ kind: 'hash', ...inSlot(held) })) as string;
  }

  async prime(bytes: Uint8Array): Promise<void> {
    await this.#scan.ask({ kind: 'prime', bytes });
  }

  async check(held: HeldSegment): Promise<CheckedSegment> {
    const { reading, references } = (await this.#scan.ask({ kind: 'check', ...inSlot(held) })) as CheckAnswer;
    if (reading === undefined) return { reading, references: new BlockReferences() };
    return { reading, references: parseReferenceLines(references, 'the log of the scanning thread').references };
  }

  async seal(log: LogName, held: HeldSegment): Promise<SealedLog> {
    const thread = this.#seals[this.#next++ % this.#seals.length];
    if (thread === undefined) throw bug('there are no threads to seal log');
    const { storedBytes, rawSha256, storedSha256 } = await thread.ask({ log, ...inSlot(held) });
    const { sealed, sealedBytes } = this.#shared;
    const stored = new Uint8Array(sealed, held.slot * sealedBytes, storedBytes);
    // Why the copy: a request that was given up may still be read by the network when the room is used again.
    const own = this.#request.isPutAtOnce ? stored : Uint8Array.from(stored);
    return { key: keyOfLog(log), stored: own, rawSha256, storedSha256 };
  }

  release({ slot }: HeldSegment): void {
    this.#letGo(slot);
  }

  /** Ends the threads. The room is for others as soon as nothing is held any more: a put may still read from it. */
  async close(): Promise<void> {
    await Promise.all([this.#scan, ...this.#seals].map((thread) => thread.close()));
    if (this.#haveThreadsEnded) return;
    this.#haveThreadsEnded = true;
    this.#giveBack();
  }

  #letGo(slot: number): void {
    this.#free.push(slot);
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#haveThreadsEnded && this.#free.length === this.#slots) logRooms.giveBack(this.#room);
  }
}

const inSlot = ({ slot, bytes }: HeldSegment): SlotBytes => ({ slot, bytes: bytes.length });
