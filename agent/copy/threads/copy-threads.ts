import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import type { StartedThreads } from './started-threads.ts';
import type { FromThread, ThreadSettings, ToThread, Unit } from './thread-message.ts';

/** Units a thread may hold: one in work, one so that it never waits for the main thread. */
const unitsAhead = 2;
/** A thread gets this long to leave its last system call before it is ended. */
const graceMs = 1000;

export interface ThreadEvents {
  /** May throw: the failure then ends the copy. */
  onMessage(message: Extract<FromThread, { kind: 'unit-done' | 'piece' }>): void;
  onFailure(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  unitsOut: number;
  /** Puts what it still held. */
  isFlushing: boolean;
  hasEnded: boolean;
}

const isBusy = ({ unitsOut, isFlushing, hasEnded }: Thread): boolean => (unitsOut > 0 || isFlushing) && !hasEnded;

/** A fixed number of worker threads that work off units one source hands out. Bounded: `unitsAhead` per thread. */
export class CopyThreads {
  readonly #threads: readonly Thread[];
  readonly #events: ThreadEvents;
  #units: Iterator<Unit> | undefined;
  #whenIdle: (() => void) | undefined;
  #isClosing = false;

  constructor(settings: readonly ThreadSettings[], started: StartedThreads, events: ThreadEvents) {
    this.#events = events;
    this.#threads = settings.map((each) => this.#open(started.take(each.channel), each));
  }

  /** Resolves when the threads have done all units; what fails is told to `onFailure`. */
  run(units: Iterator<Unit>): Promise<void> {
    this.#units = units;
    return this.#untilIdle(() => {
      for (const thread of this.#threads) this.#feed(thread);
    });
  }

  /** Resolves when all threads have put and acknowledged what they held. */
  flush(): Promise<void> {
    return this.#untilIdle(() => {
      for (const thread of this.#threads) {
        thread.isFlushing = true;
        send(thread, { kind: 'flush' });
      }
    });
  }

  /** Ends the threads, at once when they are idle. The stop cell must be set before, so that busy ones leave their work. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (let waited = 0; waited < graceMs && this.#threads.some(isBusy); waited += 20) await pause(20);
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #untilIdle(begin: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
      begin();
      this.#checkIdle();
    });
  }

  #open(worker: Worker, settings: ThreadSettings): Thread {
    const thread: Thread = { worker, unitsOut: 0, isFlushing: false, hasEnded: false };
    worker.on('message', (message: FromThread) => {
      this.#take(thread, message);
    });
    worker.on('error', (error) => {
      this.#lose(thread, String(error), error);
    });
    worker.on('exit', (code) => {
      this.#lose(thread, `exit code ${String(code)}`, undefined);
    });
    send(thread, { kind: 'open', settings });
    return thread;
  }

  #take(thread: Thread, message: FromThread): void {
    if (message.kind === 'failed') {
      thread.hasEnded = true;
      this.#events.onFailure(errorOf(message));
      return;
    }
    if (message.kind === 'unit-done') thread.unitsOut--;
    if (message.kind === 'flushed') thread.isFlushing = false;
    if (this.#isClosing && message.kind !== 'piece') return;
    try {
      if (message.kind !== 'flushed') this.#events.onMessage(message);
      if (!this.#isClosing) this.#feed(thread);
    } catch (error) {
      this.#events.onFailure(error);
    }
    this.#checkIdle();
  }

  #feed(thread: Thread): void {
    while (this.#units !== undefined && thread.unitsOut < unitsAhead) {
      const next = this.#units.next();
      if (next.done === true) {
        this.#units = undefined;
        return;
      }
      thread.unitsOut++;
      send(thread, { kind: 'unit', unit: next.value });
    }
  }

  #checkIdle(): void {
    const isIdle = this.#threads.every(({ unitsOut, isFlushing }) => unitsOut === 0 && !isFlushing);
    if (this.#units !== undefined || !isIdle) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }

  #lose(thread: Thread, why: string, cause: unknown): void {
    thread.hasEnded = true;
    if (!this.#isClosing) this.#events.onFailure(fail('copy_thread_lost', { why }, cause));
  }
}

const send = (thread: Thread, message: ToThread): void => {
  thread.worker.postMessage(message, message.kind === 'unit' ? givenAway(message.unit) : []);
};

const givenAway = (unit: Unit): readonly ArrayBuffer[] =>
  unit.kind === 'bytes' && unit.isGivenAway && unit.bytes.buffer instanceof ArrayBuffer ? [unit.bytes.buffer] : [];

function errorOf(message: Extract<FromThread, { kind: 'failed' }>): HoldfastError {
  const error = isErrorCode(message.code)
    ? new HoldfastError(message.code, message.params)
    : fail('copy_thread_lost', { why: message.code });
  if (message.stack !== '') error.stack = message.stack;
  return error;
}
