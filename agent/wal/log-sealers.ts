import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { bug, fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { LogName, LogSealer, SealLog } from '#agent/sets/log-objects.ts';
import { sealLogSegment } from '#agent/sets/log-objects.ts';
import { threadFile, threadOptions } from '#agent/copy/thread-file.ts';
import type { FromSealThread, ToSealThread } from './seal-message.ts';

/** Below this many segments starting threads takes longer than they save. */
const fewestSegments = 4;
/** Segments of more are sealed one at a time: memory counts more than time. */
const largestSegment = 64 * 1024 * 1024;
/** Segments a thread may hold: one in work, one so that it never waits. */
const heldByThread = 2;

interface Waiting {
  readonly resolve: (answer: FromSealThread) => void;
  readonly reject: (error: unknown) => void;
}

export interface SealersRequest {
  readonly pool: LogSealer;
  /** zstd 1–22 or 0. */
  readonly level: number;
  /** K-081, 1–255; there are never more threads than processors. */
  readonly channels: number;
  /** Segments that will probably be sealed. */
  readonly segments: number;
}

/** Seals log segments on worker threads when there are many, here when there are few. The caller must `close` it. */
export class LogSealers {
  readonly #request: SealersRequest;
  readonly #waiting = new Map<number, Waiting>();
  #threads: readonly Worker[] = [];
  #lost: HoldfastError | undefined;
  #isClosing = false;
  #task = 0;

  constructor(request: SealersRequest) {
    this.#request = request;
    if (request.segments < fewestSegments) return;
    const count = Math.min(request.channels, availableParallelism());
    this.#threads = Array.from({ length: count }, (_, i) => this.#start(i));
  }

  /** How many segments of this size may be under way at once; 0: each is finished before the next is read. */
  ahead(segmentBytes: number): number {
    return segmentBytes > largestSegment ? 0 : this.#threads.length * heldByThread;
  }

  /** Throws `copy_thread_lost`. A transferred buffer is empty for the caller until it comes back. */
  readonly seal: SealLog = async (log, raw) => {
    if (this.#lost !== undefined) throw this.#lost;
    const { pool, level } = this.#request;
    const isWholeBuffer = raw.buffer instanceof ArrayBuffer && raw.byteLength === raw.buffer.byteLength;
    if (this.#threads.length === 0 || !isWholeBuffer) return { sealed: sealLogSegment(pool, log, raw, level), raw };
    return this.#sealInThread(log, new Uint8Array(raw.buffer));
  };

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { reject } of this.#waiting.values()) reject(fail('cancelled', { what: 'the log backup' }));
    this.#waiting.clear();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #sealInThread(log: LogName, raw: Uint8Array<ArrayBuffer>): Promise<FromSealThread> {
    const task = this.#task++;
    const thread = this.#threads[task % this.#threads.length];
    if (thread === undefined) throw bug('there are no threads to seal log');
    const { pool, level } = this.#request;
    // Only what seals: a pool cannot be sent to a thread.
    const sealer: LogSealer = pool.key === undefined ? { id: pool.id } : { id: pool.id, key: pool.key };
    const message: ToSealThread = { task, pool: sealer, log, raw, level };
    return new Promise((resolve, reject) => {
      this.#waiting.set(task, { resolve, reject });
      thread.postMessage(message, [raw.buffer]);
    });
  }

  #start(number: number): Worker {
    const thread = new Worker(threadFile('seal-thread'), { ...threadOptions, name: `seal-${String(number)}` });
    thread.on('message', (answer: FromSealThread) => {
      this.#waiting.get(answer.task)?.resolve(answer);
      this.#waiting.delete(answer.task);
    });
    thread.on('error', (error) => {
      this.#lose(String(error), error);
    });
    thread.on('exit', (code) => {
      this.#lose(`exit code ${String(code)}`, undefined);
    });
    return thread;
  }

  /** What a lost thread held is not known: all that waits fails, and the run tries again. */
  #lose(why: string, cause: unknown): void {
    if (this.#isClosing) return;
    this.#lost ??= fail('copy_thread_lost', { why }, cause);
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}
